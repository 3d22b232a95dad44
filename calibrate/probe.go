package calibrate

import (
	"context"
	"fmt"
	"math"
	"slices"

	"ftadvise/calibrate/evidence"
)

// extend lays out the probe anew when the search has ended: what the search left of
// its allowance goes to longer trunks, what it overran is taken from them. It does so
// once, while no trunk has gone beyond the search.
func (c *calibration) extend(context.Context) error {
	if c.run.Plan == nil {
		return nil
	}
	trunks := c.trunks()
	end := searchEnd(*c.run.Plan)
	if at, level := c.level(); level && at <= end {
		c.relay(at, max(end, 1), c.spec.HorizonSteps)
	}
	for i := 1; i < c.run.Plan.Seeds; i++ {
		c.repeat(trunks, c.spec.Seed+int64(i))
	}
	c.aim()
	c.planned()
	return c.save()
}

// trunks are the probes' IDs, an arm after the other, repetitions last.
func (c *calibration) trunks() []string {
	var first, repeated []string
	for _, t := range c.run.Trials {
		switch {
		case t.Stage != evidence.StageProbe:
		case t.Seed == c.spec.Seed:
			first = append(first, t.ID)
		default:
			repeated = append(repeated, t.ID)
		}
	}
	return append(first, repeated...)
}

// level is the step to which every trunk of the first seed that still goes on has
// come, and whether that is the same for all.
func (c *calibration) level() (at int, level bool) {
	at, furthest := math.MaxInt, 0
	for _, id := range c.trunks() {
		if t := c.trial(id); t.Seed == c.spec.Seed && !failed(t.Outcome.Status) {
			at, furthest = min(at, t.Outcome.Steps), max(furthest, t.Outcome.Steps)
		}
	}
	return min(at, furthest), at == furthest
}

// failed reports whether a trial ended without having come where it was to go, by
// its own doing.
func failed(s evidence.Status) bool { return s == evidence.Diverged || s == evidence.DoesNotFit }

// relay chooses the probe's length again, from least to most steps, by the time that
// is left at a step and the times measured since.
func (c *calibration) relay(at, least, most int) {
	left, limited := c.remaining()
	costs, old := c.costs(), *c.run.Plan
	steps := longest(max(least, 1), most, func(steps int) bool {
		return !limited || restSeconds(stretch(old, at, steps, costs), at, 0, costs) <= left*(1-reserve/2)
	})
	plan := stretch(old, at, max(least, neat(steps, c.spec.HorizonSteps)), costs)
	plan.PredictedSeconds = c.run.Setup.BudgetSeconds - left + restSeconds(plan, at, 0, costs)
	c.run.Plan = &plan
}

// stretch is a plan with another length. What lies behind the step that the trunks
// have reached stays as it was.
func stretch(p evidence.Plan, at, steps int, costs []Cost) evidence.Plan {
	behind := slices.DeleteFunc(slices.Clone(p.EvalSteps), func(s int) bool { return s > at })
	p.ProbeSteps = steps
	p.EvalSteps = slices.DeleteFunc(evalSteps(p, costs), func(s int) bool { return s <= at })
	p.EvalSteps = append(behind, p.EvalSteps...)
	return p
}

// repeat adds the LoRA trunks once more with another seed, which changes A's initial
// values and the dropout. The batches stay the same for all, so full fine-tuning
// would only do the same again.
func (c *calibration) repeat(trunks []string, seed int64) {
	for _, id := range trunks {
		t := *c.trial(id)
		if t.Method.Kind == evidence.LoRA && t.Seed == c.spec.Seed && !failed(t.Outcome.Status) {
			t.Seed = seed
			t.ID = fmt.Sprintf("%s-s%d", id, seed)
			c.ensure(t.Trial)
		}
	}
}

// aim sets the trunks' goal to the plan's.
func (c *calibration) aim() {
	for _, id := range c.trunks() {
		t := c.trial(id)
		t.Steps = c.run.Plan.ProbeSteps
		switch o := &t.Outcome; {
		case o.Status == evidence.Completed && o.Steps < t.Steps:
			o.Status = evidence.Paused
		case o.Status == evidence.Paused && o.Steps >= t.Steps:
			o.Status = evidence.Completed
		}
	}
}

// probe takes the trunks to the plan's length, stop by stop. The order of the arms turns
// round from stop to stop, so that a drift of the machine falls on all alike.
func (c *calibration) probe(ctx context.Context) error {
	if c.run.Plan == nil {
		return nil
	}
	for {
		c.shorten()
		turn, stop, more := c.nextStop()
		if !more && (c.grow() || c.repeatLeader()) {
			continue
		}
		if !more {
			c.tellCut()
			return c.save()
		}
		ids := c.trunks()
		if turn%2 == 1 {
			slices.Reverse(ids)
		}
		if err := c.advance(ctx, ids, stop); err != nil {
			return err
		}
		if c.exhausted() {
			c.cut(ids)
		}
	}
}

// tellCut warns when the budget ended a trunk before its time.
func (c *calibration) tellCut() {
	at, _ := c.level()
	for _, id := range c.trunks() {
		if t := c.trial(id); t.Outcome.Status == evidence.CutByBudget && t.Seed == c.spec.Seed {
			c.warn("cut-by-budget", fmt.Sprintf("The budget was spent at step %d of the %d planned; the methods are compared at the steps that all reached.",
				at, c.run.Plan.ProbeSteps))
			return
		}
	}
}

// shorten lays out a shorter rest where the time that is left no longer pays for the
// planned one. It waits until the trunks are level, so that a run that was
// interrupted between two arms decides as one that was not.
func (c *calibration) shorten() {
	at, level := c.level()
	left, limited := c.remaining()
	p := *c.run.Plan
	if !limited || !level || at >= p.ProbeSteps || restSeconds(p, at, at, c.costs()) <= left*(1-reserve/2) {
		return
	}
	c.relay(at, at, p.ProbeSteps)
	c.aim()
	c.planned()
}

// worthwhile is by how much a probe must be able to grow for it to go on, and no less
// than minRung steps: a little time is not worth another turn of loading and saving.
const worthwhile = 1.2

// grow makes the probe longer where it has come to its end with time to spare, as
// when the machine was busy while the plan was made.
func (c *calibration) grow() bool {
	at, level := c.level()
	if !level || at != c.run.Plan.ProbeSteps || at == c.spec.HorizonSteps || c.exhausted() {
		return false
	}
	old := *c.run.Plan
	c.relay(at, at, c.spec.HorizonSteps)
	if to := c.run.Plan.ProbeSteps; to < at+minRung || float64(to) < worthwhile*float64(at) {
		c.run.Plan = &old
		return false
	}
	c.aim()
	c.planned()
	return true
}

// nextStop is the first stop that a trunk has still to reach, with its number.
func (c *calibration) nextStop() (turn, stop int, more bool) {
	for i, stop := range stops(*c.run.Plan) {
		for _, id := range c.trunks() {
			if t := c.trial(id); !over(t.Outcome.Status) && t.Outcome.Steps < stop {
				return i, stop, true
			}
		}
	}
	return 0, 0, false
}
