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
		if want(a.trial.Method) && (!ok || beliefs[i].loss.Mean < beliefs[best].loss.Mean) {
			best, ok = i, true
		}
	}
	return best, ok
}

// gap forecasts LoRA's loss less full's. Both saw the same batches, so the error of
// the difference grows with how fast the difference moves, not with how fast both
// curves fall.
func gap(full, lora arm, f, l belief, horizon int) evidence.Gap {
	mean := l.loss.Mean - f.loss.Mean
	sd := math.Hypot(f.loss.SD, l.loss.SD)
	if !f.measured || !l.measured {
		reach := math.Log(float64(horizon) / math.Max(1, math.Min(float64(full.last().Step), float64(lora.last().Step))))
		shared := 0.3 * math.Abs(f.slope+l.slope) / 2 * math.Max(0, reach)
		sd = math.Min(sd, math.Abs(l.slope-f.slope)*math.Max(0, reach)+shared+0.003)
	}
	g := evidence.Gap{Full: full.trial.ID, LoRA: lora.trial.ID, LoRAMethod: lora.trial.Method,
		AtHorizon: normal(mean, sd), AtBest: normal(l.best.Mean-f.best.Mean, sd),
		PFullBetter: phi(mean / sd)}
	g.Regime = regime(g, f.measured && l.measured)
	if g.Regime == evidence.NeedsMore {
		g.MoreSteps = min(full.last().Step, lora.last().Step)
	}
	return g
}

// regime labels a gap: decided from nine in ten on; too small a budget where the
// interval is wider than the gap is likely to become at all.
func regime(g evidence.Gap, measured bool) evidence.Regime {
	sure := math.Max(g.PFullBetter, 1-g.PFullBetter)
	switch {
	case measured:
		return evidence.Measured
	case sure >= 0.9:
		return evidence.Decided
	case g.AtHorizon.SD > 0.25:
		return evidence.BudgetTooSmall
	}
	return evidence.NeedsMore
}
