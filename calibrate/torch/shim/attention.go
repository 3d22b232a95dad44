package shim

// #include "shim.h"
import "C"

// Backend names an attention kernel; the numbers are the C++ side's.
type Backend int

// The attention kernels.
const (
	AutoBackend      Backend = 0
	FlashBackend     Backend = 2
	CuDNNBackend     Backend = 3
	EfficientBackend Backend = 4
)

// String is the name that ParseBackend reads.
func (b Backend) String() string {
	switch b {
	case FlashBackend:
		return "flash"
	case CuDNNBackend:
		return "cudnn"
	case EfficientBackend:
		return "efficient"
	default:
		return "auto"
	}
}

// AttentionShape is the geometry of a fused qkv buffer
// [Batch*Length, (Heads+2*KVHeads)*HeadDim].
type AttentionShape struct {
	Batch, Length, Heads, KVHeads, HeadDim int64
	Window                                 int64 // 0: none
	Scale                                  float64
	Backend                                Backend
}

func (s AttentionShape) c() C.fta_attention_shape {
	return C.fta_attention_shape{
		batch: C.int64_t(s.Batch), length: C.int64_t(s.Length), heads: C.int64_t(s.Heads), kv_heads: C.int64_t(s.KVHeads),
		head_dim: C.int64_t(s.HeadDim), window: C.int64_t(s.Window), scale: C.double(s.Scale), backend: C.int(s.Backend),
	}
}

// Packing says which tokens may see each other where rows hold several documents:
// Mask [Batch,1,Length,Length] is additive; Bounds [docs+1] int32 serves CUDA's packed
// kernel instead. With neither, attention is causal over whole rows. On a CPU, Positions
// [N] int64, which begin at 0 in each document, say it all.
type Packing struct {
	Mask, Bounds, Positions Tensor
	Longest                 int64
}

// Attended is what attention returns and what its backward pass needs.
type Attended struct {
	Out   Tensor // [N, Heads*HeadDim]
	saved [4]Tensor
}

// Drop frees all of it.
func (x Attended) Drop(a *Arena) {
	a.Drop(x.Out)
	a.Drop(x.saved[:]...)
}

// Attention is causal scaled-dot-product attention (arXiv 1706.03762, 2205.14135).
func (a *Arena) Attention(qkv Tensor, s AttentionShape, p Packing) Attended {
	var out C.fta_tensor
	var saved [4]C.fta_tensor
	if a.err != nil || !a.ok("attention", C.fta_attention(qkv.p, s.c(), p.Mask.p, p.Bounds.p, C.int64_t(p.Longest), p.Positions.p, &out, &saved[0])) {
		return Attended{}
	}
	x := Attended{Out: a.keep(out)}
	for i, t := range saved {
		x.saved[i] = a.keep(t)
	}
	return x
}

// AttentionBackward is the gradient for qkv, of its shape.
func (a *Arena) AttentionBackward(dout, qkv Tensor, x Attended, s AttentionShape, p Packing) Tensor {
	var dqkv C.fta_tensor
	saved := [4]C.fta_tensor{x.saved[0].p, x.saved[1].p, x.saved[2].p, x.saved[3].p}
	if a.err != nil || !a.ok("attention backward", C.fta_attention_backward(dout.p, qkv.p, x.Out.p, s.c(), p.Mask.p, p.Bounds.p, C.int64_t(p.Longest), p.Positions.p, &saved[0], &dqkv)) {
		return Tensor{}
	}
	return a.keep(dqkv)
}

// SegmentMask is the additive mask of packed rows, segments [batch*length] on the host:
// causal, within one segment, within the window.
func (a *Arena) SegmentMask(segments []int32, batch, length, window int64, dtype DType) Tensor {
	var mask C.fta_tensor
	if a.err != nil || !a.ok("segment mask", C.fta_segment_mask((*C.int32_t)(&segments[0]), C.int64_t(batch), C.int64_t(length), C.int64_t(window), C.int(dtype), C.int(a.device), &mask)) {
		return Tensor{}
	}
	return a.keep(mask)
}
