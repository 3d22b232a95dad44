package torch

import (
	"ftadvise/calibrate/dataset/packfile"
	"ftadvise/calibrate/torch/decoder"
)

// batches hands out each step's rows: epoch after epoch in a seeded order, so that the
// n-th step sees the same rows in every trial of a run.
type batches struct {
	set   packfile.Rows
	seed  int64
	size  int // rows a step
	epoch int
	order []int
}

func newBatches(set packfile.Rows, seed int64, size int) *batches {
	return &batches{set: set, seed: seed, size: size, epoch: -1}
}

// rows are those of the step-th step, counted from 1.
func (b *batches) rows(step int) []int {
	out := make([]int, b.size)
	for i := range out {
		at := (step-1)*b.size + i
		if epoch := at / b.set.N; epoch != b.epoch {
			b.epoch, b.order = epoch, packfile.Order(b.set.N, b.seed, epoch)
		}
		out[i] = b.order[at%b.set.N]
	}
	return out
}

// predicted counts the tokens of these rows that carry loss.
func predicted(set packfile.Rows, rows []int) int {
	n := 0
	for _, row := range rows {
		for i := 1; i < set.SeqLength; i++ {
			if set.Labels[row*set.SeqLength+i] >= 0 {
				n++
			}
		}
	}
	return n
}

func sequencesOf(set packfile.Rows) decoder.Sequences {
	return decoder.Sequences{Length: set.SeqLength, IDs: set.IDs, Labels: set.Labels, Segments: set.Segments}
}
