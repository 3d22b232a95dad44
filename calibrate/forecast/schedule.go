package forecast

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// The multi-power law's shape (arXiv 2503.12811, equations 4-6): how a lowered
// learning rate pays off with the rate still to be spent. A probe cannot determine
// them, so they are held; rates count as shares of the peak, so its C is per step.
const (
	annealBeta  = 0.5
	annealGamma = 0.5
	annealC     = 1.0 / 32
	annealKnots = 48
)

// scheduleLaw is L = E + A S(t)^-a - B D(t): S is the learning rate spent until t,
// D what the decay has paid so far. It speaks only for schedules that decay: for a
// constant rate it is the power law over again.
func scheduleLaw(s series) (func(float64) float64, bool) {
	s = s.begun()
	if s.n() < 4 || s.sched.TotalSteps == 0 || (s.sched.Shape != evidence.Cosine && s.sched.Shape != evidence.Linear) {
		return nil, false
	}
	anneal := newAnnealing(s.sched)
	best := plane{cost: math.Inf(1)}
	var exponent float64
	for _, a := range geometric(0.05, 2, 16) {
		fit := fitPlane(s, func(t float64) float64 { return math.Pow(anneal.spent(t), -a) }, anneal.paid)
		if fit.cost < best.cost {
			best, exponent = fit, a
		}
	}
	return func(t float64) float64 {
		return best.floor + best.size*math.Pow(anneal.spent(t), -exponent) - best.gain*anneal.paid(t)
	}, !math.IsInf(best.cost, 1)
}

// annealing is a schedule summed at evenly spaced knots.
type annealing struct{ step, rate, sum []float64 }

func newAnnealing(sched evidence.Schedule) annealing {
	var a annealing
	width := math.Max(1, float64(sched.TotalSteps)/annealKnots)
	for i := 0; i <= annealKnots; i++ {
		t := width * float64(i)
		rate := math.Max(1e-3, sched.Factor(int(t)+1))
		sum := rate
		if i > 0 {
			sum = a.sum[i-1] + width*(rate+a.rate[i-1])/2
		}
		a.step, a.rate, a.sum = append(a.step, t), append(a.rate, rate), append(a.sum, sum)
	}
	return a
}

// spent is the sum of the rates until step t, in steps at the peak.
func (a annealing) spent(t float64) float64 {
	for i := 1; i < len(a.step); i++ {
		if t <= a.step[i] {
			return a.sum[i-1] + (a.sum[i]-a.sum[i-1])*(t-a.step[i-1])/(a.step[i]-a.step[i-1])
		}
	}
	return a.sum[len(a.sum)-1]
}

// paid is the loss reduction of the decay until step t, up to the factor B.
func (a annealing) paid(t float64) float64 {
	var out float64
	now := a.spent(t)
	for k := 1; k < len(a.step) && a.step[k] <= t; k++ {
		fall := a.rate[k-1] - a.rate[k]
		if fall <= 0 {
			continue
		}
		x := math.Pow(a.rate[k], -annealGamma) * (now - a.sum[k])
		out += fall * (1 - math.Pow(1+annealC*math.Max(0, x), -annealBeta))
	}
	return out
}

// plane is a fit of L = floor + size*x - gain*d.
type plane struct{ floor, size, gain, cost float64 }

// fitPlane tries a ladder of gains, each with the best line for it, and prefers a
// small one: where little of the decay was seen, the gain is hardly determined.
func fitPlane(s series, shape, paid func(float64) float64) plane {
	best := plane{cost: math.Inf(1)}
	span := s.span()
	moved := series{t: s.t, y: make([]float64, s.n()), sched: s.sched}
	for _, ratio := range []float64{0, 0.05, 0.1, 0.2, 0.4, 0.8} {
		gain := ratio * span
		for i, t := range s.t {
			moved.y[i] = s.y[i] + gain*paid(t)
		}
		fit := fitLine(moved, shape)
		if cost := fit.cost * (1 + ratio); cost < best.cost {
			best = plane{fit.floor, fit.size, gain, cost}
		}
	}
	return best
}
