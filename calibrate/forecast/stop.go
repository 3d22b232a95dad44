package forecast

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// turnedBy is how far a loss must stand above its lowest point, as a share of the
// curve's range, before it counts as turned and not as noise.
const turnedBy = 0.02

// stopAt is early stopping's advice from a forecast and the cleaned curve that it was
// made from: the step of the best checkpoint where that is clearly better than the
// horizon, since the curve has turned up or the forecast's 80 % interval lies above it;
// else the horizon. A flat curve is trained to its end.
func stopAt(clean []evidence.Point, f evidence.Forecast) evidence.Stop {
	turned := hasTurned(clean, f.HorizonSteps)
	if f.BestStep >= f.HorizonSteps || !(turned || f.BestLoss.Mean < f.Loss.P10) {
		return evidence.Stop{Step: f.HorizonSteps, Loss: f.Loss.Mean, Turned: turned}
	}
	return evidence.Stop{Step: f.BestStep, Loss: f.BestLoss.Mean, Saves: math.Max(0, f.Loss.Mean-f.BestLoss.Mean), Turned: turned}
}

// hasTurned reports whether a curve has risen from its lowest point by more than noise.
func hasTurned(clean []evidence.Point, horizon int) bool {
	low, last := lowest(clean, horizon), clean[len(clean)-1]
	var losses []float64
	for _, p := range clean {
		losses = append(losses, p.Loss)
	}
	noise := math.Max(seedNoise, turnedBy*(percentile(losses, 1)-low.Loss))
	return last.Step > low.Step && last.Loss > low.Loss+noise
}
