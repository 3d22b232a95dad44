package calibrate

import (
	"context"

	"ftadvise/calibrate/evidence"
)

// profileSteps is as many as an engine needs to warm up and to record a few.
const profileSteps = 7

// profile has the engine trace a few steps of each arm that fits, when all else is done:
// waiting for the device after each operation would spoil the times of a trial. It
// leaves nothing in the run, its time is not charged to the budget, and the evidence is
// whole without it, so that its failure is a warning.
func (c *calibration) profile(ctx context.Context) error {
	if c.spec.Profile == "" || len(c.live()) == 0 {
		return nil
	}
	if err := c.fresh(ctx); err != nil {
		return err
	}
	var segments []Segment
	for _, a := range c.live() {
		segments = append(segments, Segment{ToStep: profileSteps, Trial: evidence.Trial{ID: "profile-" + a.key, Stage: evidence.StageFit, Method: a.method,
			LearningRate: a.prior, Schedule: evidence.Schedule{Shape: evidence.Constant}, Seed: c.spec.Seed, Steps: profileSteps}})
	}
	group := c.group(segments)
	group.Profile = c.spec.Profile
	c.used = true
	err := c.engine.Train(ctx, group, func(e Event) {
		if line, ok := e.(LogLine); ok {
			c.say(line)
		}
	})
	if err != nil && ctx.Err() == nil {
		c.say(LogLine{Level: "warning", Text: "no profile: " + err.Error()})
	}
	return ctx.Err()
}

func (c *calibration) say(line LogLine) {
	if c.obs != nil {
		c.obs.Happened(line)
	}
}
