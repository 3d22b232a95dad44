package forecast

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// gaps pairs the best full arm with the best arm of each LoRA method.
func (o outlook) gaps() []evidence.Gap {
	full, ok := o.best(func(m evidence.Method) bool { return m.Kind == evidence.Full })
	if !ok {
		return nil
	}
	var out []evidence.Gap
	done := map[evidence.Method]bool{}
	for _, b := range o.beliefs {
		if b.Method.Kind != evidence.LoRA || done[b.Method] {
			continue
		}
		done[b.Method] = true
		i, _ := o.best(func(other evidence.Method) bool { return other == b.Method })
		out = append(out, o.gap(full, i))
	}
	return out
}

// best is the arm with the lowest forecast among those of a kind.
func (o outlook) best(want func(evidence.Method) bool) (int, bool) {
	best, ok := 0, false
	for i, b := range o.beliefs {
		if want(b.Method) && (!ok || b.loss.centre() < o.beliefs[best].loss.centre()) {
			best, ok = i, true
		}
	}
	return best, ok
}

func (o outlook) gap(full, lora int) evidence.Gap {
	f, l := o.beliefs[full], o.beliefs[lora]
	difference := o.difference(lora, full)
	g := evidence.Gap{Full: f.Name, LoRA: l.Name, LoRAMethod: l.Method,
		AtHorizon:   difference.distribution(),
		PFullBetter: 1 - difference.below(0)}
	g.AtBest, g.Trend = atBest(f, l, difference, g.AtHorizon)
	seen := min(f.last().Step, l.last().Step)
	more := max(moreSteps(g, seen, o.horizon), o.untaught(l, seen))
	g.Early = o.untaught(l, seen) > 0 && !(f.measured && l.measured)
	g.Regime = regime(g, f.measured && l.measured, seen+more, o.horizon)
	if g.Regime == evidence.NeedsMore || g.Regime == evidence.BudgetTooSmall {
		g.MoreSteps = more
	}
	return g
}

// atBest is the gap where each arm is judged, and how it moved: at the horizon, unless
// early stopping ends an arm before, since the gap is then between checkpoints. The
// difference of two arms foretold by themselves would not do where both go on: their own
// forecasts are wide and their errors common, so that a mean taken from them and a width
// from their difference had said "over 99 %" of curves that the difference left open.
func atBest(full, lora belief, difference mixture, atHorizon evidence.Distribution) (evidence.Distribution, evidence.Trend) {
	fullBest, fullStop := full.judged()
	loraBest, loraStop := lora.judged()
	if !fullStop && !loraStop {
		return atHorizon, trend(full, lora)
	}
	sd := math.Hypot(fullBest.SD, loraBest.SD)
	if full.measured && lora.measured {
		sd = math.Min(sd, difference.spread())
	}
	return normal(loraBest.Mean-fullBest.Mean, sd), evidence.Trend{}
}

// judged is the loss of the best checkpoint, and whether training stops at it before
// the horizon.
func (b belief) judged() (best evidence.Distribution, early bool) {
	best, step := b.best()
	f := evidence.Forecast{HorizonSteps: b.horizon, BestLoss: best, BestStep: step, Loss: b.loss.distribution()}
	return best, stopAt(b.Points, f).Step < b.horizon
}

// trend is how the gap of two arms that go on moved over the last doubling of the steps.
func trend(full, lora belief) evidence.Trend {
	seen := float64(min(full.last().Step, lora.last().Step))
	if seen < 2 || seen >= float64(full.horizon) {
		return evidence.Trend{}
	}
	gap := func(step float64) float64 { return at(lora.Points, step) - at(full.Points, step) }
	return evidence.Trend{Last: gap(seen), Moved: gap(seen) - gap(seen/2), Doublings: math.Log2(float64(full.horizon) / seen)}
}
