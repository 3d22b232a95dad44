package calibrate

import "ftadvise/calibrate/evidence"

// Prediction is what a calibration would do.
type Prediction struct {
	Plan     evidence.Plan
	Trials   []evidence.Trial
	Costs    []Cost  // of the arms that it has
	Seconds  float64 // of the plan, the fit stage included
	Warnings []evidence.Warning
}

// Preview predicts the calibration of a spec without running anything, from what a step
// of each arm costs: CostsOf an earlier run, or guesses. The search's winner is not
// known yet, so its trunk stands at the prior rate.
func Preview(s Spec, costs []Cost) Prediction {
	c := &calibration{spec: s, run: &evidence.Run{Setup: evidence.Setup{MicroBatch: s.MicroBatch}}}
	costs = s.supposed(costs)
	var out Prediction
	foresee := func(a arm) {
		out.Seconds += costOf(costs, a.method).segment(c.trial(c.ensure(c.fitTrial(a))).Steps, 1)
	}
	for _, a := range c.asked() {
		foresee(a)
	}
	switch {
	case s.Preset == PresetEssay:
		out.Plan = evidence.Plan{SearchRates: 1, ProbeSteps: s.HorizonSteps, Seeds: 1}
		for _, id := range c.essayTrials() {
			out.Plan.PredictedSeconds += costOf(costs, c.trial(id).Method).segment(s.HorizonSteps, 1)
		}
	case !s.Model.RandomWeights:
		left := func() float64 {
			if s.Budget <= 0 {
				return 0
			}
			return max(1, s.Budget.Seconds()-out.Seconds)
		}
		for _, a := range c.affordable(costs, left()) {
			foresee(a)
		}
		out.Plan, out.Warnings = NewPlan(s, costs, left())
		c.run.Plan = &out.Plan
		c.foresee()
	}
	for _, a := range c.live() {
		out.Costs = append(out.Costs, costOf(costs, a.method))
	}
	for _, t := range c.run.Trials {
		out.Trials = append(out.Trials, t.Trial)
	}
	out.Seconds += out.Plan.PredictedSeconds
	return out
}

func costOf(costs []Cost, m evidence.Method) Cost {
	for _, c := range costs {
		if c.Method == m {
			return c
		}
	}
	return Cost{Method: m}
}

// foresee adds the trials of a plan as they would be if the priors were right.
func (c *calibration) foresee() {
	for _, a := range c.searching() {
		for _, rate := range grid(a.prior, c.run.Plan.SearchRates) {
			c.ensure(c.searchTrial(a, rate))
		}
	}
	for _, a := range c.live() {
		c.ensure(c.searchTrial(a, roundRate(a.prior)))
		id := a.trialID(roundRate(a.prior))
		c.trial(id).Stage, c.trial(id).Steps = evidence.StageProbe, c.run.Plan.ProbeSteps
	}
	trunks := c.trunks()
	for i := 1; i < c.run.Plan.Seeds; i++ {
		c.repeat(trunks, c.spec.Seed+int64(i))
	}
}
