package forecast

import "math"

// law is one family of learning curves. fit reads a series and returns the loss as
// a function of the step, or false where the series does not determine it.
type law struct {
	name string
	fit  func(series) (func(step float64) float64, bool)
}

// laws lists the candidates of the mixture; the first is the baseline that the
// others must beat.
func laws() []law {
	return []law{
		{"last value", lastValue},
		{"power", powerLaw},
		{"hill", hillLaw},
		{"schedule", scheduleLaw},
		{"prior", priorLaw},
		{"rise", riseLaw},
	}
}

// lastValue says that nothing will change.
func lastValue(s series) (func(float64) float64, bool) {
	_, loss := s.last()
	return func(float64) float64 { return loss }, true
}

// powerLaw is L = E + A t^-b with A, E >= 0 (Hestness et al., arXiv 1712.00409).
func powerLaw(s series) (func(float64) float64, bool) {
	s = s.begun()
	if s.n() < 3 {
		return nil, false
	}
	best := line{cost: math.Inf(1)}
	var exponent float64
	for _, b := range geometric(0.05, 2, 24) {
		if fit := fitLine(s, func(t float64) float64 { return math.Pow(t, -b) }); fit.cost < best.cost {
			best, exponent = fit, b
		}
	}
	return func(step float64) float64 { return best.floor + best.size*math.Pow(step, -exponent) }, !math.IsInf(best.cost, 1)
}

// hillLaw is L = E + A / (1 + (t/t0)^b): flat until about t0, then a power law. It is
// the rectified law of arXiv 2402.02314 in the form that SLDBench found best for
// fine-tuning; t0 models the slow start.
func hillLaw(s series) (func(float64) float64, bool) {
	if s.n() < 4 {
		return nil, false
	}
	end, _ := s.last()
	best := line{cost: math.Inf(1)}
	var t0, b float64
	for _, middle := range geometric(end/64, end*4, 16) {
		for _, steep := range geometric(0.3, 3, 10) {
			fit := fitLine(s, func(t float64) float64 { return 1 / (1 + math.Pow(t/middle, steep)) })
			if fit.cost < best.cost {
				best, t0, b = fit, middle, steep
			}
		}
	}
	return func(step float64) float64 { return best.floor + best.size/(1+math.Pow(step/t0, b)) }, !math.IsInf(best.cost, 1)
}

// line is a fit of L = floor + size*shape(t).
type line struct{ floor, size, cost float64 }

// fitLine solves the two linear coefficients by least squares, weighting a point by
// the square root of its step: the late ones say more about the horizon, and the
// early ones still carry the warm-up. A curve that would rise or sink below zero is
// fitted with that coefficient at its bound.
func fitLine(s series, shape func(float64) float64) line {
	return fitWeighted(s, shape, func(t float64) float64 { return math.Sqrt(t + 1) })
}

// fitEven weighs all points alike.
func fitEven(s series, shape func(float64) float64) line {
	return fitWeighted(s, shape, func(float64) float64 { return 1 })
}

func fitWeighted(s series, shape, weight func(float64) float64) line {
	var w, wx, wy, wxx, wxy float64
	x := make([]float64, s.n())
	for i, t := range s.t {
		x[i] = shape(t)
		k := weight(t)
		w, wx, wy, wxx, wxy = w+k, wx+k*x[i], wy+k*s.y[i], wxx+k*x[i]*x[i], wxy+k*x[i]*s.y[i]
	}
	out := line{floor: wy / w}
	if det := w*wxx - wx*wx; det > 1e-12*w*wxx {
		out.size = (w*wxy - wx*wy) / det
		out.floor = (wy - out.size*wx) / w
	}
	if out.size < 0 {
		out.size, out.floor = 0, wy/w
	}
	if out.floor < 0 && wxx > 0 {
		out.floor, out.size = 0, wxy/wxx
	}
	for i, t := range s.t {
		e := out.floor + out.size*x[i] - s.y[i]
		out.cost += weight(t) * e * e
	}
	return out
}

// geometric is n values from low to high, each the same factor above the one before.
func geometric(low, high float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = low * math.Pow(high/low, float64(i)/float64(n-1))
	}
	return out
}
