package forecast

import (
	"math"
	"slices"
)

// pool is how wrong a foretold difference of two arms was on finished curves: the
// differences of the residuals of arms of different families, in joint scales,
// ascending and symmetrical.
type pool []float64

func poolOf(residuals []residual) pool {
	var out pool
	for i, a := range residuals {
		for _, b := range residuals[:i] {
			if a.family == b.family {
				continue
			}
			z := (a.z*a.scale - b.z*b.scale) / math.Hypot(a.scale, b.scale)
			out = append(out, z, -z)
		}
	}
	slices.Sort(out)
	return out
}

// below is the share of the pool under z, never quite 0 or 1.
func (p pool) below(z float64) float64 {
	n, _ := slices.BinarySearch(p, z)
	return (float64(n) + 0.5) / (float64(len(p)) + 1)
}

// quantile is the value below which a share of the pool lies.
func (p pool) quantile(share float64) float64 {
	if len(p) == 0 {
		return 0
	}
	return p[min(len(p)-1, int(share*float64(len(p))))]
}
