package forecast

import (
	"cmp"
	"math"
	"slices"
)

// taught is what finished curves say: regressions with their weights.
type taught struct {
	fits    []regression
	weights []float64
	pools   []pool    // made when a pair asks
	wide    []float64 // see conformal; 0 until it is asked for
}

// teach learns from finished curves under every setting.
func teach(lessons []lesson, settings []setting) taught {
	var t taught
	fits, weights := learnAll(lessons, settings)
	for i, w := range weights {
		if w > 1e-3 {
			t.add(fits[i], w)
		}
	}
	return t
}

func (t *taught) add(r regression, weight float64) {
	t.fits, t.weights, t.pools = append(t.fits, r), append(t.weights, weight), append(t.pools, nil)
	t.wide = append(t.wide, 0)
}

// pool is regression k's errors on differences.
func (t taught) pool(k int) pool {
	if t.pools[k] == nil {
		t.pools[k] = poolOf(t.fits[k].residuals)
	}
	return t.pools[k]
}

// arm is the loss at the horizon in nats: what the regressions foretell, moved by
// each error that they made on families they had not seen, the errors on curves of
// like scale counting most. Such an empirical spread is the conformal interval, widened
// as few families demand; the narrow kernels only smooth it.
func (t taught) arm(l lesson) mixture {
	var out mixture
	for k, f := range t.fits {
		if t.wide[k] == 0 {
			t.wide[k] = conformal(f.residuals, f.contrast)
		}
		scale, wide := f.scale(l)*l.unit, t.wide[k]
		for _, r := range f.residuals {
			near := math.Log(r.scale / f.scale(l))
			out.add(t.weights[k]*math.Exp(-near*near/2), l.last+f.rest(l)*l.unit+wide*r.z*scale, kernel*scale)
		}
	}
	out.normalise()
	return out
}

// kernel is the standard deviation, in scales, by which an empirical error is smoothed.
const kernel = 0.2

// conformal is the factor by which the localised errors must grow for 80 % intervals
// made of the other families' errors to cover each family in turn, families counting
// alike: conformal prediction with the needed factor as score. As few as they are they
// are given a little more, but for contrasts, whose intervals held too much with it.
func conformal(residuals []residual, contrast bool) float64 {
	size := map[string]float64{}
	for _, r := range residuals {
		size[r.family]++
	}
	var needs []weighted
	for _, r := range residuals {
		needs = append(needs, weighted{need(r, residuals), 1 / size[r.family]})
	}
	share, n := 0.8, float64(len(size))
	if !contrast {
		share = math.Min(1, 0.8*(n+1)/n)
	}
	return math.Max(1, weightedQuantile(needs, share))
}

// weighted is a value with how much it counts.
type weighted struct{ value, weight float64 }

// need is the factor by which the other families' errors must be stretched for the
// 80 % interval that they make to hold one error.
func need(r residual, residuals []residual) float64 {
	var others mixture
	for _, o := range residuals {
		if near := math.Log(o.scale / r.scale); o.family != r.family && math.Abs(near) < 4 {
			others.add(math.Exp(-near*near/2), o.z, kernel)
		}
	}
	others.normalise()
	low, high := 0.0, float64(most)
	for range 12 {
		middle := (low + high) / 2
		if p := others.stretched(middle).below(r.z); p < 0.1 || p > 0.9 {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// most is the factor beyond which no interval is widened.
const most = 4

// weightedQuantile is the value up to which a share of the weight lies; zero of none.
func weightedQuantile(values []weighted, share float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Clone(values)
	slices.SortFunc(sorted, func(a, b weighted) int { return cmp.Compare(a.value, b.value) })
	var total float64
	for _, v := range sorted {
		total += v.weight
	}
	for _, v := range sorted {
		if share -= v.weight / total; share <= 1e-9 {
			return v.value
		}
	}
	return sorted[len(sorted)-1].value
}

// pair is the foretold loss of a less that of b in nats, and the probability that
// a's is lower.
func (t taught) pair(a, b lesson) (difference, better float64) {
	for k, f := range t.fits {
		d := t.difference(k, a, b)
		difference += t.weights[k] * d * a.unit
		better += t.weights[k] * t.pool(k).below(-d/math.Hypot(f.scale(a), f.scale(b)))
	}
	return difference, better
}

// difference is regression k's loss of a less that of b, in units.
func (t taught) difference(k int, a, b lesson) float64 {
	return (a.last-b.last)/a.unit + t.fits[k].rest(a) - t.fits[k].rest(b)
}

// gap is the distribution of the loss of a less that of b, in nats.
func (t taught) gap(a, b lesson) mixture {
	const parts = 40
	var out mixture
	for k, f := range t.fits {
		d, scale := t.difference(k, a, b), math.Hypot(f.scale(a), f.scale(b))
		for i := range parts {
			z := t.pool(k).quantile((float64(i) + 0.5) / parts)
			out.add(t.weights[k]/parts, (d+z*scale)*a.unit, 0.1*scale*a.unit)
		}
	}
	return out
}
