package shim

// #include "shim.h"
import "C"

// AdamW is one step of the optimiser (arXiv 1711.05101) on flat buffers [K, elements].
type AdamW struct {
	Param, Grad, M, V Tensor
	Work              Tensor // gets a copy of the new weights in its own precision, where given
	Norms             Tensor // [K] fp32, for clipping
	// Scalars [K, 2, 5] fp32 are, for an arm's first Matrices elements and for the rest:
	// learning rate, 1-beta1^t, 1-beta2^t, t and decay.
	Scalars           Tensor
	Matrices          int64
	From, To          int64   // the elements of every arm that are updated
	Limit             float64 // of the gradient's norm, as torch's clip_grad_norm_; 0: none
	Beta1, Beta2, Eps float64
}

// AdamWStep updates the buffers in place.
func (a *Arena) AdamWStep(s AdamW) {
	if a.err == nil {
		a.ok("adamw", C.fta_adamw(s.Param.p, s.Grad.p, s.M.p, s.V.p, s.Work.p, s.Norms.p, s.Scalars.p, C.int64_t(s.Matrices), C.int64_t(s.From), C.int64_t(s.To), C.double(s.Limit), C.double(s.Beta1), C.double(s.Beta2), C.double(s.Eps)))
	}
}

// Norm is the Euclidean norm of each row of t [K,n]: [K] fp32.
func (a *Arena) Norm(t Tensor) Tensor {
	var out C.fta_tensor
	if a.err != nil || !a.ok("norm", C.fta_norm(t.p, &out)) {
		return Tensor{}
	}
	return a.keep(out)
}
