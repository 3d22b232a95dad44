package evidence

import "math"

// Shape is the form of a learning-rate schedule after its warm-up.
type Shape string

// The shapes. Linear and cosine fall to zero at TotalSteps.
const (
	Constant Shape = "constant"
	Linear   Shape = "linear"
	Cosine   Shape = "cosine"
)

// Schedule gives the learning rate of each step as a share of its peak.
type Schedule struct {
	Shape       Shape `json:"shape"`
	WarmupSteps int   `json:"warmup_steps"`
	// DecayStart is the first step of the decay: 0 decays from the end of the
	// warm-up on; a trial that goes on from another's checkpoint sets the step there.
	DecayStart int `json:"decay_start,omitempty"`
	TotalSteps int `json:"total_steps,omitempty"` // where a decay reaches zero
}

// Factor returns the share of the peak learning rate for the step-th optimizer
// step, counted from 1. Warm-up follows transformers' LambdaLR, whose first step
// runs at 0/WarmupSteps: step n uses (n-1)/WarmupSteps.
func (s Schedule) Factor(step int) float64 {
	done := float64(step - 1)
	if step <= s.WarmupSteps {
		return done / float64(s.WarmupSteps)
	}
	start := math.Max(float64(s.WarmupSteps), float64(s.DecayStart))
	if s.Shape == Constant || s.Shape == "" || done < start {
		return 1
	}
	progress := math.Min(1, (done-start)/math.Max(1, float64(s.TotalSteps)-start))
	if s.Shape == Cosine {
		return 0.5 * (1 + math.Cos(math.Pi*progress))
	}
	return 1 - progress
}
