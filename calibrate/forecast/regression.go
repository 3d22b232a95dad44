package forecast

import (
	"maps"
	"math"
	"slices"
)

// setting is one choice of how a regression on finished curves weighs them.
type setting struct {
	// Kappa says how much an error grows with the recent fall; a curve that still
	// falls fast teaches less exactly.
	Kappa float64 `json:"kappa"`
	// Lag says how much an error grows with the lag behind the best arm: an arm that
	// has hardly learned yet says little of those that have.
	Lag float64 `json:"lag"`
	// Move says how much an error grows with a gap's own recent change.
	Move float64 `json:"move,omitempty"`
	// Ridge draws the coefficients to zero, which is the last value.
	Ridge float64 `json:"ridge"`
}

// settings is the grid that is averaged over, by how well each foretells the
// families that it did not see.
func settings() []setting {
	var out []setting
	for _, kappa := range []float64{0.03, 0.1, 0.3} {
		for _, lag := range []float64{0, 0.1, 0.3} {
			for _, penalty := range []float64{1e-3, 0.1, 10} {
				out = append(out, setting{Kappa: kappa, Lag: lag, Ridge: penalty})
			}
		}
	}
	return out
}

// flatError is the error on a flat curve, in units.
const flatError = 0.015

// scale is the expected size of the error on a lesson, in units.
func (s setting) scale(l lesson) float64 {
	return math.Hypot(math.Hypot(flatError, s.Move*l.moved), math.Hypot(s.Kappa*l.recent, s.Lag*l.lag))
}

// regression foretells the rest of a curve from its falls so far.
type regression struct {
	setting
	intercept float64
	coef      []float64
	residuals []residual
	evidence  float64 // log-likelihood of the residuals
	contrast  bool    // of LoRA beside full
}

// residual is the error on one lesson of a fit without the lesson's family.
type residual struct {
	family string
	z      float64 // in scales
	scale  float64 // in units
}

// rest is the foretold loss at the horizon less the last seen one, in units.
func (r regression) rest(l lesson) float64 { return r.intercept + dot(l.falls, r.coef) }

// learn fits a regression under one setting, and its residuals leaving each family
// out in turn. The families must be two or more.
func learn(lessons []lesson, set setting) regression {
	r := regression{setting: set}
	size := map[string]float64{}
	for _, l := range lessons {
		size[l.family]++
	}
	weights, sum := make([]float64, len(lessons)), 0.0
	for i, l := range lessons {
		weights[i] = 1 / (math.Pow(set.scale(l), 2) * math.Sqrt(size[l.family]))
		sum += weights[i]
	}
	all := newMoments(len(lessons[0].falls))
	for i, l := range lessons {
		weights[i] *= float64(len(lessons)) / sum
		all.add(l.falls, l.rest, weights[i])
	}
	r.intercept, r.coef = all.ridge(set.Ridge)
	for _, family := range familiesOf(lessons) {
		blind := r
		blind.intercept, blind.coef = without(all, lessons, weights, family).ridge(set.Ridge)
		for _, l := range lessons {
			if l.family == family {
				scale := set.scale(l)
				r.residuals = append(r.residuals, residual{family, (l.rest - blind.rest(l)) / scale, scale})
			}
		}
	}
	r.evidence = likelihood(r.residuals)
	return r
}

// without takes a family away from the moments of all.
func without(all moments, lessons []lesson, weights []float64, family string) moments {
	out := newMoments(len(all.right) - 1)
	copy(out.right, all.right)
	for k := range all.gram {
		copy(out.gram[k], all.gram[k])
	}
	for i, l := range lessons {
		if l.family == family {
			out.add(l.falls, l.rest, -weights[i])
		}
	}
	return out
}

// likelihood is that of residuals.
func likelihood(residuals []residual) (sum float64) {
	for _, d := range densities(residuals) {
		sum += d
	}
	return sum
}

// densities are the logarithms of those of residuals under a Student t of four degrees of
// freedom, whose tails forgive a few curves unlike all others, less a constant.
func densities(residuals []residual) []float64 {
	const freedom = 4
	var square float64
	for _, r := range residuals {
		square += math.Min(r.z*r.z, 9)
	}
	width := math.Sqrt(0.7*square/float64(len(residuals))) + 1e-9
	var out []float64
	for _, r := range residuals {
		out = append(out, -(freedom+1)/2.0*math.Log1p(r.z*r.z/(width*width*freedom))-math.Log(width*r.scale))
	}
	return out
}

func familiesOf(lessons []lesson) []string {
	return distinct(lessons, func(l lesson) string { return l.family })
}

func dataOf(lessons []lesson) []string {
	return distinct(lessons, func(l lesson) string { return l.data })
}

// distinct lists what is said of items, once each and in order.
func distinct[T any](items []T, of func(T) string) []string {
	seen := map[string]bool{}
	for _, item := range items {
		seen[of(item)] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// learnAll fits every setting and weighs them by evidence.
func learnAll(lessons []lesson, settings []setting) (fits []regression, weights []float64) {
	most := math.Inf(-1)
	for _, set := range settings {
		r := learn(lessons, set)
		fits, most = append(fits, r), math.Max(most, r.evidence)
	}
	var sum float64
	for _, r := range fits {
		w := math.Exp(r.evidence - most)
		weights, sum = append(weights, w), sum+w
	}
	for i := range weights {
		weights[i] /= sum
	}
	return fits, weights
}
