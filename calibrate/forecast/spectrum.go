package forecast

import "math"

// EffectiveRank is the exponential of the Shannon entropy of the squared singular
// values' shares: how many directions carry the energy (Roy and Vetterli, EUSIPCO
// 2007, with energies for amplitudes). Of a gradient, it is the intrinsic dimension
// that GID compares with a LoRA rank (openreview kObvnQ6pUx). It lies between 1 and
// the number of values; 0 means that there is no energy, or a value that is no number.
// On the decision suite it foretells the gap of full fine-tuning to LoRA the other way
// round: the lower, the larger the gap, since data far from the base pull one way.
func EffectiveRank(singular []float64) float64 {
	total, _, ok := energy(singular)
	if !ok {
		return 0
	}
	var entropy float64
	for _, s := range singular {
		if share := s * s / total; share > 0 {
			entropy -= share * math.Log(share)
		}
	}
	return math.Exp(entropy)
}

// StableRank is |W|_F^2 / |W|_2^2, from the singular values: never above the rank,
// and little moved by small values (Rudelson and Vershynin, 2007). Of the update that
// full fine-tuning made, a high one means that a low rank could not have followed
// (arXiv 2405.09673). Descriptive. 0 means that there is no energy.
func StableRank(singular []float64) float64 {
	total, top, ok := energy(singular)
	if !ok {
		return 0
	}
	return total / (top * top)
}

// TopShare is the share of the energy in the rank largest singular values, in [0,1]:
// the part of a gradient that LoRA of that rank can follow in one step. The values
// come in any order. The larger that of the base's gradient, the larger was the gap.
func TopShare(singular []float64, rank int) float64 {
	total, _, ok := energy(singular)
	if !ok || rank <= 0 {
		return 0
	}
	var sum float64
	for _, s := range largest(singular, rank) {
		sum += s * s
	}
	return math.Min(1, sum/total)
}

// energy is the sum of squares and the largest value; false where there is none or a
// value is no number.
func energy(singular []float64) (total, top float64, ok bool) {
	for _, s := range singular {
		total += s * s
		top = math.Max(top, math.Abs(s))
	}
	return total, top, total > 0 && finite(total)
}
