package decoder

import "ftadvise/calibrate/torch/shim"

// norm is RMS norm, or layer norm where it has a bias.
type norm struct {
	w, b        param
	eps, offset float64 // RMS norm multiplies by offset + w
}

// stats is what norm's backward pass needs: mean (layer norm only) and 1/deviation.
type stats struct{ mean, rstd shim.Tensor }

func (s stats) drop(a *shim.Arena) { a.Drop(s.mean, s.rstd) }

func (n *norm) forward(a *shim.Arena, x shim.Tensor) (shim.Tensor, stats) {
	if n.b.w.Nil() {
		y, rstd := a.RMSNorm(x, n.w.w, n.eps, n.offset)
		return y, stats{rstd: rstd}
	}
	y, mean, rstd := a.LayerNorm(x, n.w.w, n.b.w, n.eps)
	return y, stats{mean, rstd}
}

// again is the forward pass for its value alone, which may be remembered.
func (n *norm) again(a *shim.Arena, x shim.Tensor, remembered *shim.Tensor) shim.Tensor {
	if y := taken(remembered); !y.Nil() {
		return y
	}
	y, s := n.forward(a, x)
	s.drop(a)
	return y
}

// backward returns the gradient for x plus residual.
func (n *norm) backward(a *shim.Arena, dy, x shim.Tensor, s stats, residual shim.Tensor) shim.Tensor {
	if n.b.w.Nil() {
		return a.RMSNormBackward(dy, x, n.w.w, n.offset, s.rstd, residual, n.w.grad)
	}
	return a.LayerNormBackward(dy, x, n.w.w, s.mean, s.rstd, residual, n.w.grad, n.b.grad)
}
