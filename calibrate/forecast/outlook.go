package forecast

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// forecast states a belief as evidence.
func (b belief) forecast() evidence.Forecast {
	f := evidence.Forecast{Trial: b.Name, Method: b.Method, LearningRate: b.Rate,
		HorizonSteps: b.horizon, SeenSteps: min(b.last().Step, b.horizon), Loss: b.loss.distribution(), Misfit: b.misfit}
	f.BestLoss, f.BestStep = b.best()
	stop := stopAt(b.Points, f)
	f.Stop = &stop
	if b.measured {
		return f
	}
	f.Weight = map[string]float64{}
	for i, fit := range b.fits {
		if b.weights[i] > 1e-3 {
			f.Weight[fit.law.name] = b.weights[i] * (1 - b.trust)
		}
	}
	if b.trust > 0 {
		f.Weight["finished curves"] = b.trust
	}
	f.Curve = b.fan()
	return f
}

// best is the loss at the checkpoint that early stopping would keep, and its step:
// the lowest seen one, unless the path to the horizon goes below it. The
// rule is the same for every arm.
func (b belief) best() (evidence.Distribution, int) {
	low := lowest(b.Points, b.horizon)
	if b.measured && b.loss.centre() <= low.Loss {
		return normal(b.loss.centre(), seedNoise), b.horizon
	}
	if b.measured {
		return normal(low.Loss, seedNoise), low.Step
	}
	mean, sd := b.loss.capped(low.Loss)
	if b.loss.centre() >= low.Loss {
		return normal(mean, math.Max(sd, seedNoise)), low.Step
	}
	return normal(mean, math.Max(sd, seedNoise)), b.horizon
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

// fan is the path from the last seen step to the horizon, even in ln(step). Its
// shape is the laws'; its end is the forecast.
func (b belief) fan() []evidence.FanPoint {
	const parts = 12
	from, last := b.series.last()
	from = math.Max(1, from)
	spread, end := b.loss.spread(), b.mean(float64(b.horizon))
	out := []evidence.FanPoint{{Step: int(math.Round(from)), P10: last, P50: last, P90: last}}
	for i := 1; i <= parts; i++ {
		share := float64(i) / parts
		step := from * math.Exp(share*b.reach())
		d := normal(b.mean(step)+share*(b.loss.centre()-end), share*spread)
		out = append(out, evidence.FanPoint{Step: int(math.Round(step)), P10: d.P10, P50: d.P50, P90: d.P90})
	}
	return out
}

// mean is the mixture's path at a step, without a final decay.
func (b belief) mean(step float64) float64 {
	var out float64
	for i, f := range b.fits {
		out += b.weights[i] * f.path(step)
	}
	return out
}
