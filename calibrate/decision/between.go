package decision

import "math"

// at is the loss at a rate after a step: between two curves' rates on a cubic over the
// logarithm of the rate that keeps their shape, so that it is level at the best of them;
// beyond the outermost ones theirs. NaN where the nearest curve has diverged. On straight
// lines a rate half-way to a neighbour costs half of what that does, which no curve does
// near its lowest point.
func (a course) at(rate float64, step int) float64 {
	k := 0
	for k < len(a.curves) && a.curves[k].Rate < rate {
		k++
	}
	switch {
	case k == 0:
		return a.curves[0].Loss(step)
	case k == len(a.curves):
		return a.curves[k-1].Loss(step)
	}
	width := math.Log(a.curves[k].Rate / a.curves[k-1].Rate)
	share := math.Log(rate/a.curves[k-1].Rate) / width
	from, to := a.curves[k-1].Loss(step), a.curves[k].Loss(step)
	if share < 0.5 && math.IsNaN(to) {
		return from
	}
	rise := (to - from) / width
	return hermite(share, from, to, width*a.slope(k-1, step, rise), width*a.slope(k, step, rise))
}

// slope is that of the losses over the logarithm of the rate at a curve (Fritsch and
// Butland 1984): zero at a lowest or highest one, and the rise of the interval asked for
// where there is no neighbour on the other side.
func (a course) slope(k, step int, rise float64) float64 {
	if k == 0 || k == len(a.curves)-1 {
		return rise
	}
	below, above := math.Log(a.curves[k].Rate/a.curves[k-1].Rate), math.Log(a.curves[k+1].Rate/a.curves[k].Rate)
	left := (a.curves[k].Loss(step) - a.curves[k-1].Loss(step)) / below
	right := (a.curves[k+1].Loss(step) - a.curves[k].Loss(step)) / above
	switch {
	case math.IsNaN(left) || math.IsNaN(right):
		return rise
	case left*right <= 0:
		return 0
	}
	one, two := 2*above+below, above+2*below
	return (one + two) / (one/left + two/right)
}

// hermite is the cubic through two values with slopes over the interval's width.
func hermite(x, from, to, slopeFrom, slopeTo float64) float64 {
	return from + x*(slopeFrom+x*(3*(to-from)-2*slopeFrom-slopeTo+x*(slopeFrom+slopeTo-2*(to-from))))
}
