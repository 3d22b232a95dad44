package shim

// #include "shim.h"
import "C"

import "unsafe"

// LowRank is one adapter of a linear layer for all arms: A [K,r,in] and B [K,out,r] with
// their gradients, without the first dimension for one arm; From and Out are its columns.
type LowRank struct {
	A, B, DA, DB Tensor
	From, Out    int64
}

func lowRanks(list []LowRank) (*C.fta_adapter, C.int) {
	out := make([]C.fta_adapter, len(list))
	for i, x := range list {
		out[i] = C.fta_adapter{a: x.A.p, b: x.B.p, da: x.DA.p, db: x.DB.p, from: C.int64_t(x.From), out: C.int64_t(x.Out)}
	}
	return unsafe.SliceData(out), C.int(len(out))
}

// LoRA is y = x w^T + bias + residual + scale x A^T B^T for adapters of one rank, scale
// being each arm's; bias and residual may be none. It serves fp32 on a CPU: elsewhere
// both results are none. low is for the way back. merged, where given, is what LoRAMerge made
// and takes w's place.
func (a *Arena) LoRA(x, w, merged, bias, residual Tensor, list []LowRank, scale []float64) (y, low Tensor) {
	if a.err != nil {
		return
	}
	var py, pl C.fta_tensor
	all, n := lowRanks(list)
	if !a.ok("linear with lora", C.fta_lora(x.p, w.p, merged.p, bias.p, residual.p, all, n, (*C.double)(&scale[0]), C.int64_t(len(scale)), &py, &pl)) {
		return
	}
	return a.keep(py), a.keep(pl)
}

// LoRABackward leaves the gradients of A and B, beta times the old plus the new, and
// returns the gradient for x where wanted.
func (a *Arena) LoRABackward(dy, x, w, merged Tensor, list []LowRank, scale []float64, low Tensor, beta float64, wantDX bool) Tensor {
	var dx C.fta_tensor
	all, n := lowRanks(list)
	if a.err != nil || !a.ok("linear with lora backward", C.fta_lora_backward(dy.p, x.p, w.p, merged.p, all, n, (*C.double)(&scale[0]), C.int64_t(len(scale)), low.p, C.double(beta), flag(wantDX), &dx)) {
		return Tensor{}
	}
	return a.keep(dx)
}

// LoRAMerge sets out to w + scale B A of the adapters, for one arm in fp32 on a CPU.
func (a *Arena) LoRAMerge(w Tensor, list []LowRank, scale float64, out Tensor) {
	all, n := lowRanks(list)
	if a.err == nil {
		a.ok("merge lora", C.fta_lora_merge(w.p, all, n, C.double(scale), out.p))
	}
}

// LowGradients is scale dy B of every adapter, side by side, and leaves B's gradients, beta
// times the old plus the new, of dy and low = x A^T. It reads dy once, for one arm in bf16
// on a GPU and ranks up to 16: elsewhere the result is none and nothing is left.
func (a *Arena) LowGradients(dy Tensor, list []LowRank, low Tensor, scale, beta float64) Tensor {
	var dlow C.fta_tensor
	all, n := lowRanks(list)
	if a.err != nil || !a.ok("adapters' gradients", C.fta_low_gradients(dy.p, all, n, low.p, C.double(scale), C.double(beta), &dlow)) {
		return Tensor{}
	}
	return a.keep(dlow)
}
