package calibrate

import (
	"context"
	"fmt"
	"math"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// leaders splits arms into those that search for a learning rate and those that take
// over what another found: LoRA arms that differ from an earlier one by rank and target
// modules alone, alpha going with the rank. A search for each would leave a short probe
// little to see, and a rate that suits the arm that searched can only flatter it: what
// another wins at that rate, it wins.
func leaders(methods []evidence.Method) (lead []int, follow map[int]int) {
	follow = map[int]int{}
	for i, m := range methods {
		leader := -1
		for _, k := range lead {
			if leader < 0 && alike(methods[k], m) {
				leader = k
			}
		}
		if leader < 0 {
			lead = append(lead, i)
		} else {
			follow[i] = leader
		}
	}
	return lead, follow
}

// alike reports LoRA methods that differ by rank and target modules alone, alpha going
// with the rank.
func alike(a, b evidence.Method) bool {
	if a.Kind != evidence.LoRA || b.Kind != evidence.LoRA || a.Alpha*float64(b.Rank) != b.Alpha*float64(a.Rank) {
		return false
	}
	a.Rank, a.Alpha, a.Targets = b.Rank, b.Alpha, b.Targets
	return a == b
}

func methodsOf(arms []arm) []evidence.Method {
	var out []evidence.Method
	for _, a := range arms {
		out = append(out, a.method)
	}
	return out
}

// searching lists the arms that fit and search for a rate; without a search all do,
// each with its prior.
func (c *calibration) searching() []arm {
	arms := c.live()
	if len(c.run.Plan.RungSteps) == 0 {
		return arms
	}
	var out []arm
	lead, _ := leaders(methodsOf(arms))
	for _, i := range lead {
		out = append(out, arms[i])
	}
	return out
}

// undecided are the searching arms that have no trunk yet.
func (c *calibration) undecided() []arm {
	var out []arm
	for _, a := range c.searching() {
		if _, ok := c.trunk(a); !ok {
			out = append(out, a)
		}
	}
	return out
}

// trunk is an arm's probe of the first seed.
func (c *calibration) trunk(a arm) (*evidence.TrialResult, bool) {
	for _, t := range c.rates(a) {
		if t.Stage == evidence.StageProbe {
			return t, true
		}
	}
	return nil, false
}

// samePace is the factor up to which a winner's rate is left as it is.
const samePace = 1.3

// begins makes a search's winner its arm's trunk. Where finished curves say that a rate
// which is best so early is too high for the probe's end, the trunk is another trial, from
// step 0 on at the rate that is expected to be best there. It is not the horizon's: methods
// compared at the rates that lead when they are compared were found to keep their
// distance best (see docs/decision-quality.md).
func (c *calibration) begins(a arm, winner *evidence.TrialResult) error {
	rate, err := c.trunkRate(winner)
	if err != nil {
		return err
	}
	if math.Abs(math.Log(rate/winner.LearningRate)) < math.Log(samePace) || len(c.run.Plan.RungSteps) == 0 || c.exhausted() {
		winner.Stage = evidence.StageProbe
		return nil
	}
	trial := c.searchTrial(a, rate)
	for c.trial(trial.ID) != nil { // a rate of the search, whose state is gone
		trial = c.searchTrial(a, roundRate(trial.LearningRate*1.02))
	}
	trial.Stage = evidence.StageProbe
	reason := fmt.Sprintf("best at step %d; about %.2g is expected to be best at step %d", winner.Outcome.Steps, trial.LearningRate, c.run.Plan.ProbeSteps)
	if err := c.lose(winner, reason); err != nil {
		return err
	}
	c.ensure(trial)
	return nil
}

// trunkRate moves a winner's rate from where it won to the probe's end.
func (c *calibration) trunkRate(winner *evidence.TrialResult) (float64, error) {
	library, err := c.library()
	if err != nil {
		return 0, err
	}
	facts := forecast.FactsOf(c.run, *winner, c.spec.HorizonSteps)
	return roundRate(library.Drift.Rate(winner.LearningRate, winner.Outcome.Steps, c.run.Plan.ProbeSteps, facts)), nil
}

// follow begins the trunks of the arms that did not search, by their leader's rate, and
// takes all trunks to where the search ended.
func (c *calibration) follow(ctx context.Context) error {
	if len(c.run.Plan.RungSteps) == 0 {
		return nil
	}
	arms := c.live()
	_, follow := leaders(methodsOf(arms))
	for i, a := range arms {
		leader, ok := follow[i]
		if _, begun := c.trunk(a); !ok || begun {
			continue
		}
		if t, ok := c.trunk(arms[leader]); ok {
			trunk := c.searchTrial(a, roundRate(forecast.RateAtRank(t.LearningRate, t.Method, a.method)))
			trunk.Stage = evidence.StageProbe
			c.ensure(trunk)
		}
	}
	c.planned()
	return c.advance(ctx, c.trunks(), searchEnd(*c.run.Plan))
}
