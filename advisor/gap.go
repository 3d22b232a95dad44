package advisor

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// contrast is one arm's loss less full's: the mean, how sure it is, and how it was
// come by. Positive means that full is better.
type contrast struct {
	mean, sd float64
	regime   evidence.Regime
	source   string // gap, forecasts, last
	more     int    // steps that the forecast asks for
	trend    evidence.Trend
	early    bool // seen less than finished curves can decide from
	ok       bool
}

// The spread of a difference of which only the last held-out losses are known:
// lastValueFloor plus lastValueShare of all that was learnt so far for each e-fold of
// steps still missing. It is wide on purpose: below a third of the horizon the order of
// two arms is often misleading.
const (
	lastValueFloor = 0.02
	lastValueShare = 0.10
)

// contrastOf finds the best account of lora's loss less full's.
func contrastOf(run *evidence.Run, full, lora arm) contrast {
	if g, ok := gapOf(run.Gaps, full, lora); ok {
		d := g.AtBest
		if d == (evidence.Distribution{}) {
			d = g.AtHorizon
		}
		return contrast{mean: d.Mean, sd: spread(d), regime: g.Regime, source: "gap", more: g.MoreSteps, trend: g.Trend, early: g.Early, ok: true}
	}
	if !full.usable || !lora.usable {
		return contrast{}
	}
	if full.forecast && lora.forecast {
		return contrast{mean: lora.best.Mean - full.best.Mean, sd: math.Hypot(spread(full.best), spread(lora.best)),
			regime: regimeOf(run, full, lora), source: "forecasts", ok: true}
	}
	return lastContrast(run, full, lora)
}

// gapOf finds the finite gap between the two arms, by trials first, then by method.
func gapOf(gaps []evidence.Gap, full, lora arm) (evidence.Gap, bool) {
	var found evidence.Gap
	ok := false
	for _, g := range gaps {
		if g.LoRAMethod != lora.method || !usableDistribution(g.AtHorizon) || !usableDistribution(g.AtBest) {
			continue
		}
		if g.Full == full.trial && g.LoRA == lora.trial {
			return g, true
		}
		if !ok || g.Full+g.LoRA < found.Full+found.LoRA {
			found, ok = g, true
		}
	}
	return found, ok
}

func lastContrast(run *evidence.Run, full, lora arm) contrast {
	a, b, step, ok := common(run, full, lora)
	if !ok {
		return contrast{}
	}
	horizon := math.Max(float64(run.Setup.HorizonSteps), float64(step))
	missing := math.Log(horizon / float64(step))
	learnt := 0.0
	if base := full.base; finite(base) {
		learnt = math.Max(0, base-math.Min(a, b))
	} else {
		missing = math.Max(missing, 1)
		learnt = math.Min(a, b)
	}
	return contrast{mean: b - a, sd: lastValueFloor + lastValueShare*learnt*missing,
		regime: regimeOf(run, full, lora), source: "last", ok: true}
}

// common returns both arms' held-out losses at the last step that both evaluated.
func common(run *evidence.Run, full, lora arm) (a, b float64, step int, ok bool) {
	losses := evalAt(run, full.trial)
	for _, t := range run.Trials {
		if t.ID != lora.trial {
			continue
		}
		for _, p := range t.Outcome.EvalLoss {
			if q, both := losses[p.Step]; both && p.Step > step && plausible(p.Loss, q, float64(p.Step)) {
				a, b, step, ok = q, p.Loss, p.Step, true
			}
		}
	}
	return a, b, step, ok
}

func evalAt(run *evidence.Run, trial string) map[int]float64 {
	out := map[int]float64{}
	for _, t := range run.Trials {
		if t.ID != trial {
			continue
		}
		for _, p := range t.Outcome.EvalLoss {
			out[p.Step] = p.Loss
		}
	}
	return out
}

// regimeOf labels how far the evidence reaches where no gap says so.
func regimeOf(run *evidence.Run, full, lora arm) evidence.Regime {
	seen, horizon := min(full.seen, lora.seen), run.Setup.HorizonSteps
	switch {
	case horizon > 0 && seen >= horizon:
		return evidence.Measured
	case 10*seen < horizon:
		return evidence.BudgetTooSmall
	}
	return evidence.NeedsMore
}
