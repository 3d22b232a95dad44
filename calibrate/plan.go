package calibrate

import (
	"fmt"
	"math"
	"slices"
	"time"

	"ftadvise/calibrate/evidence"
)

// Cost is what an arm costs on a machine, measured or guessed.
type Cost struct {
	Method         evidence.Method
	StepSeconds    float64 // one optimizer step
	EvalSeconds    float64 // one evaluation of the held-out set
	SegmentSeconds float64 // loading, saving and the general set, each time the trial is taken up
}

// What a plan is made by.
const (
	// minRung is the fewest steps after which learning rates are compared at all.
	minRung = 5
	// rungShare is the part of the probe after which the search has to have decided.
	rungShare = 5
	// shortProbe is where a probe begins to say something; below it the plan warns, unless
	// three quarters of the horizon are seen.
	shortProbe = 50
	// reserve is the share of the time that a plan leaves for what it cannot foresee.
	reserve = 0.1
)

// shape is what a plan contains; the budget decides which it can afford.
type shape struct {
	rates   int
	seeds   int
	spares  int // arms that nobody asked for
	atLeast int // probe steps that make this shape worth having
}

// shapes lists what to try to afford, richest first. Spare arms go first when time is
// short, the last of them before the others, then further seeds, then the search for the
// learning rate: each of these costs probe steps, and a probe must reach somewhere before
// they pay. Short decays branching off the trunks were tried and dropped: under a decay
// the answers stay the same (see docs/decision-quality.md).
func shapes(s Spec, spares int) []shape {
	rates, seeds := max(1, s.SearchRates), max(1, s.Seeds)
	var out []shape
	for n := spares; n >= 0; n-- {
		out = append(out, shape{rates, seeds, n, 150})
	}
	if seeds > 1 {
		out = append(out, shape{rates, 1, 0, 100})
	}
	out = append(out, shape{rates, 1, 0, 60})
	if rates > 3 {
		out = append(out, shape{3, 1, 0, 30})
	}
	return append(out, shape{1, 1, 0, 0})
}

// NewPlan shares out so many seconds among the arms: the longest probe that they pay
// for together with its learning-rate search and evaluations, the same for every arm and
// never beyond the horizon. Costs hold the arms that fit; a spare
// without one is left out. Seconds of 0 or less set no limit. Doubts come back as warnings.
func NewPlan(s Spec, costs []Cost, seconds float64) (evidence.Plan, []evidence.Warning) {
	budget := math.Inf(1)
	if seconds > 0 {
		budget = seconds * (1 - reserve)
	}
	asked, spares := partSpares(s, costs)
	var plan evidence.Plan
	for _, sh := range shapes(s, len(spares)) {
		arms := slices.Concat(asked, spares[:sh.spares])
		least := layout(s, sh, 0, arms).ProbeSteps // below it the search has no room
		steps := longest(least-1, s.HorizonSteps, func(steps int) bool {
			return layout(s, sh, steps, arms).PredictedSeconds <= budget
		})
		plan = layout(s, sh, neat(steps, s.HorizonSteps), arms)
		plan.LeftOut = leftOut(s, spares[:sh.spares])
		if steps >= min(sh.atLeast, s.HorizonSteps) {
			break
		}
	}
	return plan, shortage(s, plan, asked, budget)
}

// partSpares splits costs into those of the arms that were asked for and of the spares,
// these in the spec's order.
func partSpares(s Spec, costs []Cost) (asked, spares []Cost) {
	for _, c := range costs {
		if !s.spare(c.Method) {
			asked = append(asked, c)
		}
	}
	for _, m := range s.Spares {
		if known(costs, m) {
			spares = append(spares, costOf(costs, m))
		}
	}
	return asked, spares
}

// leftOut are the spares that are not among those kept.
func leftOut(s Spec, kept []Cost) []evidence.Method {
	var out []evidence.Method
	for _, m := range s.Spares {
		if !known(kept, m) {
			out = append(out, m)
		}
	}
	return out
}

// longest finds the largest n from low to high that can be paid for; low stands in
// where none can. What can be paid for does not grow with n.
func longest(low, high int, affordable func(n int) bool) int {
	for low < high {
		middle := low + (high-low+1)/2
		if affordable(middle) {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low
}

// neat rounds down to two digits, unless the horizon is reached. A person reads the
// number, and a small difference in time does not change it.
func neat(steps, horizon int) int {
	unit := 1
	for steps/unit >= 100 {
		unit *= 10
	}
	if steps >= horizon {
		return steps
	}
	return steps / unit * unit
}

// layout is the plan with a probe of so many steps, or of as many more as the search
// needs, and its price.
func layout(s Spec, sh shape, steps int, costs []Cost) evidence.Plan {
	steps = max(steps, min(2, s.HorizonSteps))
	p := evidence.Plan{SearchRates: sh.rates, Seeds: sh.seeds, RungSteps: rungs(sh.rates, steps, s.HorizonSteps)}
	p.ProbeSteps = max(steps, searchEnd(p))
	p.WarmupSteps = min(s.WarmupSteps, p.ProbeSteps/rungShare)
	if len(p.RungSteps) > 0 {
		// Rates are compared at the end of a rung, so most of it must run at the full rate.
		p.WarmupSteps = min(s.WarmupSteps, p.RungSteps[0]/3)
	}
	p.EvalSteps = evalSteps(p, costs)
	p.PredictedSeconds = searchSeconds(p, costs) + restSeconds(p, searchEnd(p), 0, costs)
	return p
}

// rounds is the number of rounds of successive halving that leave one of n rates.
func rounds(n int) int {
	count := 0
	for ; n > 1; n = (n + 1) / 2 {
		count++
	}
	return count
}

// rungs doubles from round to round, and the last is a fifth of the probe.
func rungs(rates, steps, horizon int) []int {
	n := rounds(rates)
	if n == 0 {
		return nil
	}
	last := min(horizon, max(minRung<<(n-1), steps/rungShare))
	var out []int
	for r := range n {
		out = append(out, max(1, last>>(n-1-r)))
	}
	return out
}

// shortage warns where the budget does not reach far.
func shortage(s Spec, p evidence.Plan, costs []Cost, budget float64) []evidence.Warning {
	enough := min(shortProbe, (3*s.HorizonSteps+3)/4)
	if p.ProbeSteps >= enough && p.PredictedSeconds <= budget {
		return nil
	}
	need := layout(s, shape{rates: 1, seeds: 1}, enough, costs).PredictedSeconds / (1 - reserve)
	return []evidence.Warning{{Code: "budget-too-small",
		Text: fmt.Sprintf("The budget pays for about %d of %d steps an arm, too few to tell the methods apart; %d steps take about %s of training.",
			p.ProbeSteps, s.HorizonSteps, enough, rounded(need))}}
}

func rounded(seconds float64) time.Duration {
	d := time.Duration(seconds * float64(time.Second))
	if d > time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(100 * time.Millisecond)
}
