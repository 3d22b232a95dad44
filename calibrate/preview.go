package calibrate

import "ftadvise/calibrate/evidence"

// Prediction is what a calibration would do.
type Prediction struct {
	Plan     evidence.Plan
	Trials   []evidence.Trial
	Seconds  float64 // of the plan, the fit stage included
	Warnings []evidence.Warning
}

// Preview predicts the calibration of a spec without running anything, from what a step
// of each arm costs: CostsOf an earlier run, or guesses. The search's winner is not
// known yet, so its trunk and branches stand at the prior rate.
func Preview(s Spec, costs []Cost) Prediction {
	fit := 0.0
	for _, c := range costs {
		fit += c.segment(fitSteps, 1)
	}
	seconds := s.Budget.Seconds()
	if seconds > 0 {
		seconds = max(1, seconds-fit)
	}
	c := &calibration{spec: s, run: &evidence.Run{Setup: evidence.Setup{MicroBatch: s.MicroBatch}}}
	for _, a := range s.arms() {
		c.ensure(c.fitTrial(a))
	}
	out := Prediction{}
	switch {
	case s.Preset == PresetEssay:
		out.Plan = evidence.Plan{SearchRates: 1, ProbeSteps: s.HorizonSteps, Seeds: 1}
		for _, cost := range costs {
			out.Plan.PredictedSeconds += cost.segment(s.HorizonSteps, 1)
		}
	case s.Model.RandomWeights:
		out.Plan = evidence.Plan{}
	default:
		out.Plan, out.Warnings = NewPlan(s, costs, seconds)
		c.run.Plan = &out.Plan
		c.foresee()
	}
	for _, t := range c.run.Trials {
		out.Trials = append(out.Trials, t.Trial)
	}
	out.Seconds = fit + out.Plan.PredictedSeconds
	return out
}

// foresee adds the trials of a plan as they would be if the priors were right.
func (c *calibration) foresee() {
	for _, a := range c.spec.arms() {
		for _, rate := range grid(a.prior, c.run.Plan.SearchRates) {
			c.ensure(c.searchTrial(a, rate))
		}
		id := a.trialID(roundRate(a.prior))
		c.trial(id).Stage, c.trial(id).Steps = evidence.StageProbe, c.run.Plan.ProbeSteps
	}
	trunks := c.trunks()
	for i := 1; i < c.run.Plan.Seeds; i++ {
		c.repeat(trunks, c.spec.Seed+int64(i))
	}
	for _, end := range c.run.Plan.BranchSteps {
		stop := end - branchLength(end)
		for _, id := range trunks {
			c.trial(id).Outcome.Steps = stop
		}
		for _, t := range c.branches(stop) {
			c.ensure(t)
		}
	}
}
