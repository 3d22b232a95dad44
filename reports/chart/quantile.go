package chart

import (
	"math"
	"slices"
)

// quantile gives the q-quantile of the finite values by nearest rank.
func quantile(values []float64, q float64) float64 {
	kept := below(values, math.Inf(1))
	if len(kept) == 0 {
		return math.Inf(1)
	}
	slices.Sort(kept)
	return kept[min(len(kept)-1, int(q*float64(len(kept))))]
}

// below keeps the finite values up to a limit.
func below(values []float64, limit float64) []float64 {
	var out []float64
	for _, v := range values {
		if finite(v) && v <= limit {
			out = append(out, v)
		}
	}
	return out
}
