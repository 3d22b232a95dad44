package shim

// #include "shim.h"
import "C"

import "unsafe"

// Embed looks rows of a table [V,d] up, times scale, and adds learned positions where
// there is a table of them.
func (a *Arena) Embed(table, ids, positionTable, positions Tensor, scale float64) Tensor {
	var x C.fta_tensor
	if a.err != nil || !a.ok("embedding", C.fta_embed(table.p, ids.p, positionTable.p, positions.p, C.double(scale), &x)) {
		return Tensor{}
	}
	return a.keep(x)
}

// EmbedBackward adds the gradient to the table's, in place.
func (a *Arena) EmbedBackward(dx, ids Tensor, scale float64, dtable Tensor) {
	if a.err == nil {
		a.ok("embedding backward", C.fta_embed_backward(dx.p, ids.p, C.double(scale), dtable.p))
	}
}

// Gather takes rows of x.
func (a *Arena) Gather(x, rows Tensor) Tensor {
	var out C.fta_tensor
	if a.err != nil || !a.ok("gather", C.fta_gather_rows(x.p, rows.p, &out)) {
		return Tensor{}
	}
	return a.keep(out)
}

// Scatter puts rows back into n rows, the rest zero.
func (a *Arena) Scatter(x, rows Tensor, n int64) Tensor {
	var out C.fta_tensor
	if a.err != nil || !a.ok("scatter", C.fta_scatter_rows(x.p, rows.p, C.int64_t(n), &out)) {
		return Tensor{}
	}
	return a.keep(out)
}

// HeadLoss is the chunked output head with its loss.
type HeadLoss struct {
	H, W            Tensor // [M,d] labelled rows, [V+spare,d]
	Vocab           int64  // V; spare rows of W are zero and stay so
	Labels, Weights Tensor // [M] int64; [M] fp32, the loss's weight of each row
	Chunk           int64  // rows of logits at a time
	Softcap         float64
	Grad            bool
	DW              Tensor  // gains the head's gradient where given
	DWBeta          float64 // 0 overwrites DW
}

// CrossEntropy returns the loss of each row [M] fp32 in nats, the gradient for H where
// asked for, and which rows' labels had the largest logit [M] bool. Logits exist for
// Chunk rows at a time and become their own gradient (as in arXiv 2411.09009, without
// its kernel).
func (a *Arena) CrossEntropy(x HeadLoss) (loss, dh, hit Tensor) {
	var l, d, h C.fta_tensor
	if a.err != nil || !a.ok("cross-entropy", C.fta_linear_cross_entropy(x.H.p, x.W.p, C.int64_t(x.Vocab), x.Labels.p, x.Weights.p, C.int64_t(x.Chunk), C.double(x.Softcap), flag(x.Grad), x.DW.p, C.double(x.DWBeta), &l, &d, &h)) {
		return
	}
	return a.keep(l), a.keep(d), a.keep(h)
}

// WeightedSum is the sum of x times weights over each arm's equal share: [K] fp64.
func (a *Arena) WeightedSum(x, weights Tensor, arms int64) Tensor {
	var out C.fta_tensor
	if a.err != nil || !a.ok("weighted sum", C.fta_weighted_sum(x.p, weights.p, C.int64_t(arms), &out)) {
		return Tensor{}
	}
	return a.keep(out)
}

// Doubles copies an fp64 tensor to host memory; len(to) must be its number of elements.
func (a *Arena) Doubles(t Tensor, to []float64) {
	if len(to) > 0 {
		a.Bytes(t, unsafe.Slice((*byte)(unsafe.Pointer(&to[0])), 8*len(to)))
	}
}
