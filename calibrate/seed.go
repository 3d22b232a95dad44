package calibrate

import (
	"math"
	"slices"

	"ftadvise/calibrate/evidence"
)

// closeCall is how near the methods must end for a second seed to be worth its time: ten
// times what a seed was seen to change of their difference. Beyond, it could not turn
// the order.
const closeCall = 0.02

// repeatLeader trains the best LoRA arm once more with another seed, where the spec leaves
// the number of seeds open, every arm has come to the horizon and the time that is left
// pays for it. Short of the horizon, the time goes to longer probes.
func (c *calibration) repeatLeader() bool {
	at, level := c.level()
	if c.spec.Seeds != 0 || !level || at != c.spec.HorizonSteps || c.exhausted() || c.repeated() {
		return false
	}
	full, lora := c.leader(evidence.Full), c.leader(evidence.LoRA)
	if full == nil || lora == nil || math.Abs(bestLoss(full)-bestLoss(lora)) > closeCall {
		return false
	}
	left, limited := c.remaining()
	if limited && trunkSeconds(*c.run.Plan, 0, c.cost(lora.Method)) > left*(1-reserve) {
		return false
	}
	c.repeat([]string{lora.ID}, c.spec.Seed+1)
	c.aim()
	c.planned()
	return true
}

// repeated reports whether some trunk has another seed.
func (c *calibration) repeated() bool {
	return slices.ContainsFunc(c.trunks(), func(id string) bool { return c.trial(id).Seed != c.spec.Seed })
}

// leader is the trunk of a kind that was best at its best checkpoint; nil where none
// went well.
func (c *calibration) leader(kind evidence.Kind) *evidence.TrialResult {
	var best *evidence.TrialResult
	for _, id := range c.trunks() {
		t := c.trial(id)
		if t.Method.Kind == kind && t.Outcome.Status == evidence.Completed && (best == nil || bestLoss(t) < bestLoss(best)) {
			best = t
		}
	}
	return best
}

func bestLoss(t *evidence.TrialResult) float64 {
	if p, ok := t.Outcome.BestEval(); ok {
		return p.Loss
	}
	return math.Inf(1)
}
