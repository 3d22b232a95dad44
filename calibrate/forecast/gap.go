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
	fullBest, _ := f.best()
	loraBest, _ := l.best()
	g := evidence.Gap{Full: f.Name, LoRA: l.Name, LoRAMethod: l.Method,
		AtHorizon:   difference.distribution(),
		AtBest:      normal(loraBest.Mean-fullBest.Mean, math.Min(difference.spread(), math.Hypot(fullBest.SD, loraBest.SD))),
		PFullBetter: 1 - difference.below(0)}
	seen := min(f.last().Step, l.last().Step)
	g.Regime = regime(g, f.measured && l.measured, seen, o.horizon)
	if g.Regime == evidence.NeedsMore || g.Regime == evidence.BudgetTooSmall {
		g.MoreSteps = moreSteps(g, seen, o.horizon)
	}
	return g
}
