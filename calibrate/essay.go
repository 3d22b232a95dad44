package calibrate

import (
	"context"
	"fmt"
	"strings"

	"ftadvise/calibrate/evidence"
)

// PresetEssay is the Spec.Preset of the fixed comparison: each method once, at its
// prior rate, for the horizon's few steps with a linear decay, as fine-tuning scripts
// do by default. It measures time and memory and decides nothing.
const PresetEssay = "essay"

// essay trains each arm that fits once, each in a fresh engine so that its memory is
// its own.
func (c *calibration) essay(ctx context.Context) error {
	ids := c.essayTrials()
	c.warn("thirty-steps", fmt.Sprintf(
		"%d steps at one learning rate each (%s) measure time and memory; they do not decide between the methods, whose order changes later.",
		c.spec.HorizonSteps, c.essayRates()))
	if c.spec.Model.RandomWeights {
		c.warnRandom()
	}
	c.planned()
	for _, id := range ids {
		if err := c.fresh(ctx); err != nil {
			return err
		}
		if err := c.advance(ctx, []string{id}, c.spec.HorizonSteps); err != nil {
			return err
		}
	}
	return nil
}

func (c *calibration) essayTrials() []string {
	var ids []string
	for _, a := range c.live() {
		ids = append(ids, c.ensure(evidence.Trial{ID: "essay-" + a.key, Stage: evidence.StageEssay, Method: a.method, LearningRate: a.prior,
			Schedule: evidence.Schedule{Shape: evidence.Linear, WarmupSteps: c.spec.WarmupSteps, TotalSteps: c.spec.HorizonSteps},
			Seed:     c.spec.Seed, Steps: c.spec.HorizonSteps}))
	}
	return ids
}

func (c *calibration) essayRates() string {
	var rates []string
	for _, a := range c.live() {
		rates = append(rates, fmt.Sprintf("%s at %.3g", a.method, a.prior))
	}
	return strings.Join(rates, ", ")
}

func (c *calibration) warnRandom() {
	c.warn("random-weights", "The weights are random: times and memory are true, losses mean nothing, and no advice follows from them.")
}
