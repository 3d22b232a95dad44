package forecast

import (
	"math"
	"slices"
)

// BitsPerParam is what one trainable parameter of a LoRA adapter can hold: 1.71 to
// 2.75 bits were measured on bases of 2 and 8 million parameters (arXiv 2607.21351).
const BitsPerParam = 2

// DemandBits is the information that there is to learn: the fall from the base
// model's loss to the best loss expected, both in nats a token, over the training
// tokens of one epoch. It is never negative.
func DemandBits(baseLoss, bestLoss float64, tokens int64) float64 {
	return math.Max(0, baseLoss-bestLoss) * float64(tokens) / math.Ln2
}

// CapacityBits is what an adapter of that many trainable parameters can hold. Where
// demand exceeds it, LoRA is expected to fall behind full fine-tuning before the end;
// on the public suite the ratio was a quarter and no plateau was seen.
func CapacityBits(trainable int64) float64 { return BitsPerParam * float64(trainable) }

// RankFor is the smallest rank whose adapter holds the demand, when a rank of one
// takes paramsPerRank trainable parameters; at least 1, and false where no rank up to
// most holds it, which speaks for full fine-tuning.
func RankFor(demandBits float64, paramsPerRank int64, most int) (int, bool) {
	if paramsPerRank <= 0 || !finite(demandBits) {
		return 0, false
	}
	rank := math.Max(1, math.Ceil(demandBits/CapacityBits(paramsPerRank)))
	if rank > float64(most) {
		return most, false
	}
	return int(rank), true
}

// largest returns the n values of the greatest size.
func largest(values []float64, n int) []float64 {
	sorted := slices.Clone(values)
	slices.SortFunc(sorted, func(a, b float64) int {
		switch {
		case math.Abs(a) > math.Abs(b):
			return -1
		case math.Abs(a) < math.Abs(b):
			return 1
		}
		return 0
	})
	return sorted[:min(n, len(sorted))]
}
