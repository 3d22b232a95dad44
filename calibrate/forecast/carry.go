package forecast

import (
	"cmp"
	"math"
	"slices"
)

// gapCourse is what gaps teach at one share: how much of their motion goes on, from
// lessons whose learning rates lie off the leading ones as a probe's do, and how wrong
// that was of the leaders' gaps, by the setting under which their errors are likeliest.
func gapCourse(how reading, lessons, near []lesson) Course {
	on := carryOf(near)
	best := regression{evidence: math.Inf(-1)}
	for _, set := range contrastSettings() {
		if r := on.errors(lessons, set); r.evidence > best.evidence {
			best = r
		}
	}
	c := Course{Share: how.Grid[len(how.Grid)-1], reading: how, Data: dataOf(lessons), setting: best.setting, Coef: []float64{round(on.all)},
		Without: map[string][]float64{}, Trust: 1, Widening: 1, WideningPaired: 1, Turned: round(turned(lessons))}
	for _, family := range familiesOf(lessons) {
		c.Without[family] = []float64{0, round(on.without[family] - on.all)}
	}
	for _, e := range best.residuals {
		c.Residuals = append(c.Residuals, Residual{e.family, round(e.z), round(e.scale)})
	}
	return c
}

// carry is the part of a gap's motion over the last doubling of the steps by which it
// still moves until the horizon.
type carry struct {
	all     float64
	without map[string]float64 // when a family is left out
}

// carryOf learns it by least absolute errors, since a few losses fall in a step, and
// counts it as far as the families that were left out bear it out against a gap that
// stays: not at all where that is as likely, nearly in full where it is many times less.
func carryOf(lessons []lesson) carry {
	by := setting{Kappa: 0.1, Lag: 0.3, Move: 0.3}
	size := map[string]float64{}
	for _, l := range lessons {
		size[l.family]++
	}
	out := carry{all: slope(lessons, by, size), without: map[string]float64{}}
	for family := range size {
		out.without[family] = slope(lessonsWithout(lessons, family), by, size)
	}
	moves, stays := out.errors(lessons, by).residuals, carry{}.errors(lessons, by).residuals
	moved, stayed := densities(moves), densities(stays)
	gain := 0.0
	for i, r := range moves {
		gain += (moved[i] - stayed[i]) / size[r.family]
	}
	counts := math.Max(0, 1-math.Exp(-gain))
	out.all *= counts
	for family := range size {
		out.without[family] *= counts
	}
	return out
}

// slope is the motion's coefficient with the least absolute errors, in scales, large
// families counting less: the weighted median of the ratios.
func slope(lessons []lesson, by setting, size map[string]float64) float64 {
	var ratios []weighted
	for _, l := range lessons {
		if motion := l.falls[0]; math.Abs(motion) > 1e-9 {
			ratios = append(ratios, weighted{l.rest / motion, math.Abs(motion) / (by.scale(l) * math.Sqrt(size[l.family]))})
		}
	}
	return weightedQuantile(ratios, 0.5)
}

// errors are those on each family when it was left out.
func (c carry) errors(lessons []lesson, set setting) regression {
	r := regression{setting: set, coef: []float64{c.all}}
	sorted := slices.Clone(lessons)
	slices.SortStableFunc(sorted, func(a, b lesson) int { return cmp.Compare(a.family, b.family) })
	for _, l := range sorted {
		scale := set.scale(l)
		r.residuals = append(r.residuals, residual{l.family, (l.rest - c.without[l.family]*l.falls[0]) / scale, scale})
	}
	r.evidence = likelihood(r.residuals)
	return r
}
