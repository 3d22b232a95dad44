package dataset

import (
	"maps"
	"math"
	"slices"

	"ftadvise/calibrate/dataset/packfile"
	"ftadvise/calibrate/evidence"
)

// domainTokens is how many tokens of either text are compared. Counts of distinct
// things grow with the sample, so both samples have one size.
const domainTokens = 1 << 16

// domain measures the text alone, no model: how its tokens are distributed, and how
// narrow it is beside general text.
func (f findings) domain() evidence.Domain {
	ids := evenly(textTokens(f.train), f.o.SeqLength, domainTokens)
	general := f.general.tokens
	if len(general) > 0 {
		n := min(len(ids), len(general))
		ids = evenly(ids, f.o.SeqLength, n)
		general = evenly(general, f.o.SeqLength, n)
	}
	counts := histogram(ids)
	out := evidence.Domain{
		TypeTokenRatio: finite(float64(len(counts)) / float64(len(ids))),
		TokenEntropy:   finite(entropy(counts)),
	}
	if len(general) > 0 {
		out.TokenDivergence = finite(divergence(counts, histogram(general)))
		out.Narrowness = finite(narrowness(ids, general))
	}
	return out
}

// finite leaves out what is not a number.
func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// textTokens are the tokens of rows without padding.
func textTokens(r packfile.Rows) []int32 {
	out := make([]int32, 0, len(r.IDs))
	for i, id := range r.IDs {
		if r.Segments[i] != 0 {
			out = append(out, id)
		}
	}
	return out
}

// evenly takes n tokens as stretches of the given length, spread over the whole.
func evenly(ids []int32, length, n int) []int32 {
	stretches, have := n/length, len(ids)/length
	if have <= stretches || stretches == 0 {
		return ids[:min(n, len(ids))]
	}
	out := make([]int32, 0, n)
	for i := range stretches {
		from := i * have / stretches * length
		out = append(out, ids[from:from+length]...)
	}
	return out
}

func histogram(ids []int32) map[int32]float64 {
	out := map[int32]float64{}
	for _, id := range ids {
		out[id]++
	}
	return out
}

// entropy is Shannon's, in bits a token. The counts are added in their order by
// size, so that the result does not depend on that of a map.
func entropy(counts map[int32]float64) float64 {
	sizes := slices.Sorted(maps.Values(counts))
	total, h := 0.0, 0.0
	for _, n := range sizes {
		total += n
	}
	for _, n := range sizes {
		h -= n / total * math.Log2(n/total)
	}
	return h
}

// divergence is Jensen-Shannon's, in bits: 0 for equal distributions, 1 for ones
// that share no token (Lin 1991, "Divergence measures based on the Shannon entropy").
func divergence(a, b map[int32]float64) float64 {
	mean := map[int32]float64{}
	for _, part := range []map[int32]float64{a, b} {
		total := 0.0 // of whole numbers, so exact in any order
		for _, n := range part {
			total += n
		}
		for id, n := range part {
			mean[id] += n / total / 2
		}
	}
	return max(0, entropy(mean)-entropy(a)/2-entropy(b)/2)
}

// narrowness is 1 - V(data)/V(general), at least 0, where V is the share of token
// triples that are distinct (distinct-n of Li et al., arXiv 1510.03055), in samples of
// one size. It is 0 for text as varied as
// general text and nears 1 for one record repeated.
func narrowness(data, general []int32) float64 {
	n := min(len(data), len(general))
	v := variety(general[:n])
	if v == 0 {
		return math.NaN()
	}
	return min(1, max(0, 1-variety(data[:n])/v))
}

func variety(ids []int32) float64 {
	triples := map[[3]int32]struct{}{}
	for i := 0; i+3 <= len(ids); i++ {
		triples[[3]int32(ids[i:i+3])] = struct{}{}
	}
	return float64(len(triples)) / float64(max(1, len(ids)-2))
}
