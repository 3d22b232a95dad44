package forecast

import (
	"math"

	"ftadvise/calibrate/evidence"
)

const (
	// sure is the probability from which on a gap counts as decided.
	sure = 0.9
	// hopeless is the share of the horizon beyond which a longer probe is no probe
	// any more: whoever needs that much might as well train both arms.
	hopeless = 0.5
)

// regime labels how far the evidence of a gap reaches (the three regimes of
// arXiv 2606.17649, and measured): decided from nine in ten on, where finished curves
// teach of such a share and the lead is not being lost; budget too small where even half
// of the horizon would not decide, by an estimate of the steps that would.
func regime(g evidence.Gap, measured bool, steps, horizon int) evidence.Regime {
	switch {
	case measured:
		return evidence.Measured
	case !g.Early && !g.Trend.Fades(0) && math.Max(g.PFullBetter, 1-g.PFullBetter) >= sure:
		return evidence.Decided
	case float64(steps) > hopeless*float64(horizon):
		return evidence.BudgetTooSmall
	}
	return evidence.NeedsMore
}

// moreSteps estimates how many more steps an arm would decide a gap. The standard
// deviation shrinks with the ln(step) left to the horizon, so the steps are sought at
// which today's mean would be 1.28 standard deviations; never beyond the horizon. A lead
// that is being lost has to be watched over as many steps again at the least.
func moreSteps(g evidence.Gap, seen, horizon int) int {
	reach := math.Log(float64(horizon) / math.Max(1, float64(seen)))
	need := math.Abs(g.AtHorizon.Mean) / (z90 * math.Max(g.AtHorizon.SD, 1e-9))
	steps := float64(horizon) * math.Exp(-reach*math.Min(1, need))
	more := max(1, int(math.Ceil(steps))-seen)
	if g.Trend.Fades(0) {
		more = max(more, min(seen, horizon-seen))
	}
	return more
}
