package forecast

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// gaps pairs the best full arm with the best arm of each LoRA method.
func gaps(arms []arm, beliefs []belief, horizon int) []evidence.Gap {
	full, ok := bestOf(arms, beliefs, func(m evidence.Method) bool { return m.Kind == evidence.Full })
	if !ok {
		return nil
	}
	var out []evidence.Gap
	done := map[evidence.Method]bool{}
	for _, a := range arms {
		m := a.trial.Method
		if m.Kind != evidence.LoRA || done[m] {
			continue
		}
		done[m] = true
		i, _ := bestOf(arms, beliefs, func(other evidence.Method) bool { return other == m })
		out = append(out, gap(arms[full], arms[i], beliefs[full], beliefs[i], horizon))
	}
	return out
}

func bestOf(arms []arm, beliefs []belief, want func(evidence.Method) bool) (int, bool) {
	best, ok := 0, false
	for i, a := range arms {
		if want(a.trial.Method) && (!ok || beliefs[i].loss.centre() < beliefs[best].loss.centre()) {
			best, ok = i, true
		}
	}
	return best, ok
}

func gap(full, lora arm, f, l belief, horizon int) evidence.Gap {
	difference := paired(f, l, horizon)
	fullBest, _ := f.best(full, horizon)
	loraBest, _ := l.best(lora, horizon)
	g := evidence.Gap{Full: full.trial.ID, LoRA: lora.trial.ID, LoRAMethod: lora.trial.Method,
		AtHorizon:   difference.distribution(),
		AtBest:      normal(loraBest.Mean-fullBest.Mean, math.Min(difference.spread(), math.Hypot(fullBest.SD, loraBest.SD))),
		PFullBetter: 1 - difference.below(0)}
	seen := min(full.last().Step, lora.last().Step)
	g.Regime = regime(g, f.measured && l.measured, seen, horizon)
	if g.Regime == evidence.NeedsMore || g.Regime == evidence.BudgetTooSmall {
		g.MoreSteps = moreSteps(g, seen, horizon)
	}
	return g
}

// paired forecasts LoRA's loss less full's. A law is judged by its past errors on
// the difference, not on either arm: what both arms share (the batches, a law's bend
// in the wrong place) cancels, and only what they do not share is left as doubt.
func paired(f, l belief, horizon int) mixture {
	noise := math.Hypot(seedNoisePaired, (f.drop.sd+l.drop.sd)/2)
	if f.measured || l.measured || !aligned(f.series, l.series) {
		return unpaired(f, l, noise)
	}
	end, _ := f.series.last()
	reach := math.Log(float64(horizon) / math.Max(1, end))
	common := both(f.fits, l.fits)
	weights := weigh(common, math.Max(f.series.span(), l.series.span()))
	var out mixture
	for i, c := range common {
		rate := f.series.minus(l.series).slope()
		if len(c.past) > 0 {
			rate = rootMeanSquare(c.past)
		}
		out.add(weights[i], c.path(float64(horizon))-l.drop.mean+f.drop.mean, reach*rate+1e-4)
	}
	return out.widened(wideningPaired(reach), noise)
}

// unpaired is the difference of two independent forecasts.
func unpaired(f, l belief, noise float64) mixture {
	var out mixture
	for i := range f.loss.weight {
		for k := range l.loss.weight {
			sd := math.Hypot(f.loss.sd[i], l.loss.sd[k])
			if f.measured && l.measured {
				sd = noise
			}
			out.add(f.loss.weight[i]*l.loss.weight[k], l.loss.mean[k]-f.loss.mean[i], sd)
		}
	}
	return out
}

// both keeps the laws that speak for both arms, as laws of LoRA less full.
func both(full, lora []fitted) []fitted {
	var out []fitted
	for _, f := range full {
		for _, l := range lora {
			if f.law.name != l.law.name || len(f.past) != len(l.past) {
				continue
			}
			joint := fitted{law: f.law, path: func(step float64) float64 { return l.path(step) - f.path(step) }}
			for i := range f.past {
				joint.past = append(joint.past, l.past[i]-f.past[i])
			}
			out = append(out, joint)
		}
	}
	return out
}

// aligned reports whether two series were measured at the same steps.
func aligned(a, b series) bool {
	if a.n() != b.n() {
		return false
	}
	for i := range a.t {
		if a.t[i] != b.t[i] {
			return false
		}
	}
	return true
}

func (s series) minus(other series) series {
	out := series{t: s.t, y: make([]float64, s.n()), sched: s.sched}
	for i := range s.y {
		out.y[i] = s.y[i] - other.y[i]
	}
	return out
}
