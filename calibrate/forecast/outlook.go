package forecast

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// forecast states a belief as evidence.
func (b belief) forecast(a arm, horizon int) evidence.Forecast {
	f := evidence.Forecast{Trial: a.trial.ID, Method: a.trial.Method, LearningRate: a.trial.LearningRate,
		HorizonSteps: horizon, SeenSteps: min(a.last().Step, horizon), Loss: b.loss.distribution(), Misfit: b.misfit}
	f.BestLoss, f.BestStep = b.best(a, horizon)
	if b.measured {
		return f
	}
	f.Weight = map[string]float64{}
	for i, fit := range b.fits {
		if b.weights[i] > 1e-3 {
			f.Weight[fit.law.name] = b.weights[i]
		}
	}
	f.Curve = b.fan(horizon)
	return f
}

// best is the loss at the checkpoint that early stopping would keep, and its step:
// the lowest seen one, unless the path to the horizon goes below it. Decay branches
// count for neither, so that the rule is the same for every arm.
func (b belief) best(a arm, horizon int) (evidence.Distribution, int) {
	low := lowest(a.points, horizon)
	if b.measured {
		return normal(low.Loss-b.drop.mean, seedNoise), low.Step
	}
	mean, sd := b.loss.capped(low.Loss - b.drop.mean)
	if b.loss.centre() >= low.Loss-b.drop.mean {
		return normal(mean, math.Max(sd, seedNoise)), low.Step
	}
	return normal(mean, math.Max(sd, seedNoise)), horizon
}

// lowest is the best checkpoint among those until a step, the untouched model among them.
func lowest(points []evidence.Point, until int) evidence.Point {
	low := points[0]
	for _, p := range points {
		if p.Step <= until && p.Loss < low.Loss {
			low = p
		}
	}
	return low
}

// fan is the path from the last seen step to the horizon, even in ln(step).
func (b belief) fan(horizon int) []evidence.FanPoint {
	const parts = 12
	from, last := b.series.last()
	from = math.Max(1, from)
	reach, spread := math.Log(float64(horizon)/from), b.loss.spread()
	out := []evidence.FanPoint{{Step: int(math.Round(from)), P10: last, P50: last, P90: last}}
	for i := 1; i <= parts; i++ {
		share := float64(i) / parts
		step := from * math.Exp(share*reach)
		var mean float64
		for k, f := range b.fits {
			mean += b.weights[k] * f.path(step)
		}
		d := normal(mean-share*b.drop.mean, share*spread)
		out = append(out, evidence.FanPoint{Step: int(math.Round(step)), P10: d.P10, P50: d.P50, P90: d.P90})
	}
	return out
}
