package forecast

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// Stop is when to end training, from one held-out curve.
type Stop struct {
	Step   int     `json:"step"`   // of the best checkpoint, seen or expected
	Loss   float64 `json:"loss"`   // there, in nats a token
	Saves  float64 `json:"saves"`  // nats a token better than at the horizon; 0 where that is the best
	Turned bool    `json:"turned"` // the curve has already risen from its lowest point
}

// turnedBy is how far a loss must stand above its lowest point, as a share of the
// curve's range, before it counts as turned and not as noise.
const turnedBy = 0.02

// StopAt is early stopping's advice from a forecast and the curve that it was made
// from: the best checkpoint's step where the curve has turned up or the forecast lies
// above what was seen; else the horizon. The rule is the same for every method.
func StopAt(points []evidence.Point, f evidence.Forecast) (Stop, error) {
	clean, _, err := Clean(f.Trial, points)
	if err != nil {
		return Stop{}, err
	}
	low := lowest(clean, f.HorizonSteps)
	last := clean[len(clean)-1]
	var losses []float64
	for _, p := range clean {
		losses = append(losses, p.Loss)
	}
	noise := math.Max(seedNoise, turnedBy*(percentile(losses, 1)-low.Loss))
	s := Stop{Step: f.BestStep, Loss: f.BestLoss.Mean, Turned: last.Step > low.Step && last.Loss > low.Loss+noise}
	if s.Turned {
		s.Step, s.Loss = low.Step, low.Loss
	}
	if s.Step < f.HorizonSteps {
		s.Saves = math.Max(0, f.Loss.Mean-s.Loss)
	}
	return s, nil
}
