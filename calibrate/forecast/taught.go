package forecast

import "math"

// taught is what finished curves say: regressions with their weights.
type taught struct {
	fits    []regression
	weights []float64
	pools   []pool
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
	t.fits, t.weights, t.pools = append(t.fits, r), append(t.weights, weight), append(t.pools, poolOf(r.residuals))
}

// arm is the loss at the horizon in nats: what the regressions foretell, moved by
// each error that they made on families they had not seen, the errors on curves of
// like scale counting most. Such an empirical spread is the conformal interval, widened
// as few families demand; the narrow kernels only smooth it.
func (t taught) arm(l lesson) mixture {
	var out mixture
	for k, f := range t.fits {
		scale, wide := f.scale(l)*l.unit, conformal(f.residuals)
		for _, r := range f.residuals {
			near := math.Log(r.scale / f.scale(l))
			out.add(t.weights[k]*math.Exp(-near*near/2), l.last+f.rest(l)*l.unit+wide*r.z*scale, 0.2*scale)
		}
	}
	out.normalise()
	return out
}

// conformal is the factor by which the 90 % quantile of a normal sample of n grows
// into the (n+1)/n x 90 % quantile that split conformal prediction takes, the
// families being the n exchangeable units.
func conformal(residuals []residual) float64 {
	families := map[string]bool{}
	for _, r := range residuals {
		families[r.family] = true
	}
	n := math.Max(12, float64(len(families)))
	return math.Sqrt2 * math.Erfinv(2*0.9*(n+1)/n-1) / z90
}

// pair is the foretold loss of a less that of b in nats, and the probability that
// a's is lower.
func (t taught) pair(a, b lesson) (difference, better float64) {
	for k, f := range t.fits {
		d := t.difference(k, a, b)
		difference += t.weights[k] * d * a.unit
		better += t.weights[k] * t.pools[k].below(-d/math.Hypot(f.scale(a), f.scale(b)))
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
			z := t.pools[k].quantile((float64(i) + 0.5) / parts)
			out.add(t.weights[k]/parts, (d+z*scale)*a.unit, 0.1*scale*a.unit)
		}
	}
	return out
}
