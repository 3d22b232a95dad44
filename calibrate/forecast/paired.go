package forecast

import (
	"math"
	"slices"

	"ftadvise/calibrate/evidence"
)

// paired forecasts the loss of a less that of b by the laws. A law is judged by its
// past errors on the difference, not on either arm: what both arms share (the
// batches, a law's bend in the wrong place) cancels, and only what they do not share
// is left as doubt.
func paired(a, b belief, factor float64) mixture {
	const noise = seedNoisePaired
	if a.measured || b.measured {
		return unpaired(a, b, noise)
	}
	if !aligned(a.series, b.series) {
		var ok bool
		if a, b, ok = realigned(a, b); !ok {
			return unpaired(a, b, noise)
		}
	}
	common := both(a.fits, b.fits)
	weights := humble(weigh(common, math.Max(a.series.span(), b.series.span())), a.reach())
	var out mixture
	for i, c := range common {
		rate := a.series.minus(b.series).slope()
		if len(c.past) > 0 {
			rate = rootMeanSquare(c.past)
		}
		out.add(weights[i], a.end(c.path), a.reach()*rate+1e-4)
	}
	return out.widened(factor, noise)
}

// unpaired is the difference of two independent forecasts.
func unpaired(a, b belief, noise float64) mixture {
	var out mixture
	for i := range a.loss.weight {
		for k := range b.loss.weight {
			sd := math.Hypot(a.loss.sd[i], b.loss.sd[k])
			if a.measured && b.measured {
				sd = noise
			}
			out.add(a.loss.weight[i]*b.loss.weight[k], a.loss.mean[i]-b.loss.mean[k], sd)
		}
	}
	return out
}

// realigned believes both arms anew from the steps that both were measured at; false
// where those are too few or leave out the end of either.
func realigned(a, b belief) (belief, belief, bool) {
	steps := map[int]bool{}
	for _, p := range b.Points {
		steps[p.Step] = true
	}
	shared := map[int]bool{}
	for _, p := range a.Points {
		shared[p.Step] = steps[p.Step]
	}
	if !shared[a.last().Step] || a.last().Step != b.last().Step {
		return a, b, false
	}
	return believe(a.only(shared), a.horizon, 1), believe(b.only(shared), b.horizon, 1), true
}

// only keeps the points at some steps.
func (a arm) only(steps map[int]bool) arm {
	a.Points = slices.DeleteFunc(slices.Clone(a.Points), func(p evidence.Point) bool { return !steps[p.Step] })
	return a
}

// both keeps the laws that speak for both arms, as laws of a less b.
func both(a, b []fitted) []fitted {
	var out []fitted
	for _, x := range a {
		for _, y := range b {
			if x.law.name != y.law.name || len(x.past) != len(y.past) {
				continue
			}
			joint := fitted{law: x.law, path: func(step float64) float64 { return x.path(step) - y.path(step) }}
			for i := range x.past {
				joint.past = append(joint.past, x.past[i]-y.past[i])
			}
			out = append(out, joint)
		}
	}
	return out
}

// aligned reports whether two series were measured at the same steps.
func aligned(a, b series) bool {
	if a.n() != b.n() {
		return false
	}
	for i := range a.t {
		if a.t[i] != b.t[i] {
			return false
		}
	}
	return true
}

func (s series) minus(other series) series {
	out := series{t: s.t, y: make([]float64, s.n()), sched: s.sched}
	for i := range s.y {
		out.y[i] = s.y[i] - other.y[i]
	}
	return out
}
