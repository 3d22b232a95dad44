package shim

// #include "shim.h"
import "C"

// Linear is y [N,out] = x [N,in] w^T + bias + residual; bias and residual may be none.
func (a *Arena) Linear(x, w, bias, residual Tensor) Tensor {
	var y C.fta_tensor
	if a.err != nil || !a.ok("linear", C.fta_linear(x.p, w.p, bias.p, residual.p, &y)) {
		return Tensor{}
	}
	return a.keep(y)
}

// Op is a matrix operand, transposed where T is set.
type Op struct {
	Tensor
	T bool
}

// Product is x y, of matrices or of batches of them.
func (a *Arena) Product(x, y Op) Tensor {
	var out C.fta_tensor
	if a.err != nil || !a.ok("product", C.fta_mm(x.p, flag(x.T), y.p, flag(y.T), &out)) {
		return Tensor{}
	}
	return a.keep(out)
}

// Gemm is out = beta out + alpha x y, in place. Where out is wider than x and y, sums
// are made in out's precision.
func (a *Arena) Gemm(out Tensor, x, y Op, beta, alpha float64) {
	if a.err == nil {
		a.ok("gemm", C.fta_gemm(out.p, x.p, flag(x.T), y.p, flag(y.T), C.double(beta), C.double(alpha)))
	}
}

// Onto is start + alpha x y^T, of matrices.
func (a *Arena) Onto(start, x, y Tensor, alpha float64) Tensor {
	var out C.fta_tensor
	if a.err != nil || !a.ok("product onto", C.fta_onto(start.p, x.p, y.p, C.double(alpha), &out)) {
		return Tensor{}
	}
	return a.keep(out)
}

// SumRows is out [d] = beta out + the column sums of x [N,d], in place.
func (a *Arena) SumRows(out, x Tensor, beta float64) {
	if a.err == nil {
		a.ok("sum rows", C.fta_sum_rows(out.p, x.p, C.double(beta)))
	}
}

// RMSNorm normalises rows by their root mean square and multiplies by offset + w
// (arXiv 1910.07467). rstd [N] is what the backward pass needs.
func (a *Arena) RMSNorm(x, w Tensor, eps, offset float64) (y, rstd Tensor) {
	var py, pr C.fta_tensor
	if a.err != nil || !a.ok("rms norm", C.fta_rms_norm(x.p, w.p, C.double(eps), C.double(offset), &py, &pr)) {
		return
	}
	return a.keep(py), a.keep(pr)
}

// RMSNormBackward is the gradient for x plus residual; dw, where given, gains w's.
func (a *Arena) RMSNormBackward(dy, x, w Tensor, offset float64, rstd, residual, dw Tensor) Tensor {
	var dx C.fta_tensor
	if a.err != nil || !a.ok("rms norm backward", C.fta_rms_norm_backward(dy.p, x.p, w.p, C.double(offset), rstd.p, residual.p, dw.p, &dx)) {
		return Tensor{}
	}
	return a.keep(dx)
}

// LayerNorm normalises rows to mean 0 and variance 1, times w plus b.
func (a *Arena) LayerNorm(x, w, b Tensor, eps float64) (y, mean, rstd Tensor) {
	var py, pm, pr C.fta_tensor
	if a.err != nil || !a.ok("layer norm", C.fta_layer_norm(x.p, w.p, b.p, C.double(eps), &py, &pm, &pr)) {
		return
	}
	return a.keep(py), a.keep(pm), a.keep(pr)
}

// LayerNormBackward is the gradient for x plus residual; dw and db, where given, gain theirs.
func (a *Arena) LayerNormBackward(dy, x, w, mean, rstd, residual, dw, db Tensor) Tensor {
	var dx C.fta_tensor
	if a.err != nil || !a.ok("layer norm backward", C.fta_layer_norm_backward(dy.p, x.p, w.p, mean.p, rstd.p, residual.p, dw.p, db.p, &dx)) {
		return Tensor{}
	}
	return a.keep(dx)
}

// Rotary says which columns of a buffer hold heads to rotate.
type Rotary struct {
	Column, Heads, HeadDim, RotaryDim int64
	// Cos and Sin are [positions, RotaryDim/2], Positions is [N].
	Cos, Sin, Positions Tensor
}

// Rope turns heads by their positions, in place, halves paired as in transformers
// (arXiv 2104.09864). Back undoes it, which is its gradient.
func (a *Arena) Rope(t Tensor, r Rotary, back bool) {
	sign := C.int(1)
	if back {
		sign = -1
	}
	if a.err == nil {
		a.ok("rope", C.fta_rope(t.p, C.int64_t(r.Column), C.int64_t(r.Heads), C.int64_t(r.HeadDim), C.int64_t(r.RotaryDim), r.Cos.p, r.Sin.p, r.Positions.p, sign))
	}
}

// Activation is the MLP's nonlinearity.
type Activation int

// The activations.
const (
	SiLU Activation = iota
	GELUTanh
	GELU
	ReLU
)

// Activate is act(x), or, gated, act(gate) times up for x [N,2f] that holds both.
func (a *Arena) Activate(x Tensor, kind Activation, gated bool) Tensor {
	var y C.fta_tensor
	if a.err != nil || !a.ok("activation", C.fta_activation(x.p, C.int(kind), flag(gated), &y)) {
		return Tensor{}
	}
	return a.keep(y)
}

// ActivateBackward is Activate's gradient for x. With again, dy becomes Activate's value,
// which is then read no second time from x.
func (a *Arena) ActivateBackward(dy, x Tensor, kind Activation, gated bool, again bool) Tensor {
	var dx C.fta_tensor
	if a.err != nil || !a.ok("activation backward", C.fta_activation_backward(dy.p, x.p, C.int(kind), flag(gated), flag(again), &dx)) {
		return Tensor{}
	}
	return a.keep(dx)
}
