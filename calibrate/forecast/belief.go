package forecast

import "math"

// Errors that no curve shows of itself: what another seed of the adapter or of the
// batches would change, in nats. Measured on small models and on the 250-step
// blocks of the public curves (0.005 alone, 0.0014 for a difference).
const (
	seedNoise       = 0.004
	seedNoisePaired = 0.002
)

// belief is what one arm's curve says about the horizon.
type belief struct {
	arm
	horizon  int
	series   series
	fits     []fitted
	weights  []float64
	loss     mixture
	measured bool
	misfit   bool
	trust    float64 // share of the forecast that comes from finished curves
}

// believe extrapolates one arm to the horizon by the mixture of laws alone, widened
// by a factor.
func believe(a arm, horizon int, factor float64) belief {
	b := belief{arm: a, horizon: horizon, series: seriesOf(a.Points, a.BlockSteps, a.Schedule)}
	if target, ok := a.Target(horizon); ok {
		b.measured = true
		b.loss.add(1, target, seedNoise)
		return b
	}
	b.fits = fitAll(b.series)
	b.weights = humble(weigh(b.fits, b.series.span()), b.reach())
	for i, f := range b.fits {
		b.loss.add(b.weights[i], b.end(f.path), math.Min(b.reach()*b.rate(i), b.most(factor))+1e-4)
	}
	b.misfit = b.weights[0] > 0.5
	b.loss = b.loss.widened(factor, seedNoise)
	return b
}

// reach is how far the horizon is from the last seen step, in ln(step).
func (b belief) reach() float64 {
	end, _ := b.series.last()
	return math.Log(float64(b.horizon) / math.Max(1, end))
}

// end is a path's loss at the horizon, or its mean over the window that ends there.
func (b belief) end(path func(float64) float64) float64 {
	if b.Window == 0 {
		return path(float64(b.horizon))
	}
	const parts = 4
	var sum float64
	for i := range parts {
		sum += path(float64(b.horizon) * (1 - b.Window*(float64(i)+0.5)/parts))
	}
	return sum / parts
}

// most is the widest that a law's error can be before it is widened by a factor: no
// loss is negative, so not more than lets 1.28 of it fit under the last one.
func (b belief) most(factor float64) float64 {
	_, last := b.series.last()
	return math.Abs(last) / (z90 * factor)
}

// rate is the error of a law in nats a unit of ln(step) foretold.
func (b belief) rate(i int) float64 {
	if len(b.fits[i].past) > 0 {
		return rootMeanSquare(b.fits[i].past)
	}
	return b.series.slope()
}

// weigh turns past errors into weights. A law that did worse than the last value
// gets none; with too few points for a past, the last value stands alone.
func weigh(fits []fitted, span float64) []float64 {
	weights := make([]float64, len(fits))
	weights[0] = 1
	if len(fits[0].past) == 0 {
		return weights
	}
	base := rootMeanSquare(fits[0].past)
	var sum float64
	for i, f := range fits {
		rate := rootMeanSquare(f.past)
		weights[i] = 0
		if rate <= base {
			weights[i] = math.Pow(rate*rate+doubt*doubt*span*span, -trust)
		}
		sum += weights[i]
	}
	for i := range weights {
		weights[i] /= sum
	}
	return weights
}

// near is how far, in ln(step), laws were found to rank no worse than the last value:
// from three tenths of the horizon on, on the public curves.
const near = 1.2

// humble returns weight to the last value, the first of the laws, for the part of the
// way that lies beyond near.
func humble(weights []float64, reach float64) []float64 {
	share := math.Min(1, near/math.Max(reach, 1e-9))
	for i := range weights {
		weights[i] *= share
	}
	weights[0] += 1 - share
	return weights
}

// slope is the size of the fall per unit of ln(step) over the last half of the steps.
func (s series) slope() float64 {
	end, last := s.last()
	for i := s.n() - 2; i >= 0; i-- {
		if s.t[i] <= end/2 || i == 0 {
			return math.Abs(s.y[i]-last) / math.Log((end+1)/(s.t[i]+1))
		}
	}
	return s.span()
}
