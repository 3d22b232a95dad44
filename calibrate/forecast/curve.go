package forecast

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// Curve is one arm's loss in nats a token at ascending optimizer steps.
type Curve struct {
	Name string
	// Family groups curves of one method; priors and error libraries never score a
	// family by its own curves. Empty takes Name.
	Family string
	// Data groups curves on the same data and batches, which can be compared.
	Data     string
	Method   evidence.Method
	Rate     float64 // peak learning rate; 0 where unknown
	Seed     int64   // of batches and initial values; 0 where unknown
	Schedule evidence.Schedule
	// BlockSteps says that a point is the mean over so many steps that end at its
	// step, as training losses are logged; 0 is a loss at the step itself.
	BlockSteps int
	// Window is the share of the horizon over whose end the target is averaged, for
	// noisy training losses; 0 is the loss at the horizon itself.
	Window float64
	// Facts are what is known of the data and the method beside losses.
	Facts  Facts
	Points []evidence.Point
}

// Facts may foretell what losses do not show yet; 0 is unknown.
type Facts struct {
	EpochTokens int64   // training tokens of one epoch that carry loss
	Epochs      float64 // of the data until the horizon
	Trainable   int64   // parameters that the method trains
	GeneralLoss float64 // of the base model on general text, in nats a token
}

// repetition is the logarithm of how often the horizon sees the data beyond once.
func (f Facts) repetition() float64 { return math.Log(math.Max(1, f.Epochs)) }

func (c Curve) family() string {
	if c.Family == "" {
		return c.Name
	}
	return c.Family
}

// upTo keeps what was seen until a step.
func (c Curve) upTo(step float64) Curve {
	n := 0
	for n < len(c.Points) && float64(c.Points[n].Step) <= step+1e-6 {
		n++
	}
	c.Points = c.Points[:n]
	return c
}

// Target is what a forecast of the curve is scored against: the loss at the horizon,
// or its mean over the window that ends there; false where the curve does not reach it.
func (c Curve) Target(horizon int) (float64, bool) {
	if len(c.Points) == 0 || c.Points[len(c.Points)-1].Step < horizon {
		return 0, false
	}
	if c.Window == 0 {
		return at(c.Points, float64(horizon)), true
	}
	var sum float64
	var n int
	for _, p := range c.Points {
		if p.Step <= horizon && float64(p.Step) > (1-c.Window)*float64(horizon)+1e-6 {
			sum, n = sum+p.Loss, n+1
		}
	}
	return sum / float64(n), n > 0
}

// Loss is the curve's loss after a step, between its points by interpolation; NaN where
// the curve ended before, or in a loss that is no number.
func (c Curve) Loss(step int) float64 {
	if len(c.Points) == 0 || c.Points[len(c.Points)-1].Step < step {
		return math.NaN()
	}
	return at(c.Points, float64(step))
}

// at interpolates the curve at a step, linearly in ln(1+step), the scale on which
// learning curves bend least. Outside the points it holds the end values.
func at(points []evidence.Point, step float64) float64 {
	if step <= float64(points[0].Step) {
		return points[0].Loss
	}
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		if step <= float64(b.Step) {
			share := (math.Log1p(step) - math.Log1p(float64(a.Step))) /
				(math.Log1p(float64(b.Step)) - math.Log1p(float64(a.Step)))
			return a.Loss + share*(b.Loss-a.Loss)
		}
	}
	return points[len(points)-1].Loss
}
