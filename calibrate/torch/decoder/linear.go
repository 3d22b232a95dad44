package decoder

import "ftadvise/calibrate/torch/shim"

// adapter is LoRA on some output columns of a linear layer, for K arms:
// y[:, from:from+out] += scale * x A^T B^T (arXiv 2106.09685).
type adapter struct {
	name      string // the module's
	from, out int64
	in, rank  int64
	a, b      param     // [K, r, in], [K, out, r]; without the first dimension where K is 1
	scale     []float64 // of each arm
	scales    shim.Tensor
	dropout   float64
	magnitude *magnitude // nil but for DoRA
	// Where A, B and the magnitude lie in an arm's elements.
	offsetA, offsetB, offsetM int64
}

// linear is y [N,out] = x [N,in] w^T + bias, fused over modules with one input.
type linear struct {
	out, in  int64 // columns of y and x
	w, bias  param
	adapters []adapter
	stacked  param // every adapter's A, one below the other: [K, R, in]; none under dropout
	ranks    int64 // R
	compute  shim.DType
	merged   shim.Tensor // w + scale B A, where passes multiply by that
}

// tapedLinear is what an adapter's backward pass needs of the forward pass.
type tapedLinear struct {
	low  shim.Tensor   // [K, n, R], where the adapters are stacked
	dlow shim.Tensor   // its gradient, once inputGradient has run
	both bool          // B's gradients were made with it
	s    []shim.Tensor // [K, n, r] of each adapter
	mask []shim.Tensor // dropout's, where there is any
	raw  []shim.Tensor // DoRA's, before the magnitudes: [K, n, out]
	// joint takes the place of all others where all adapters were served at once.
	joint shim.Tensor
}

func (t tapedLinear) drop(a *shim.Arena) {
	a.Drop(t.low, t.dlow)
	a.Drop(t.s...)
	a.Drop(t.mask...)
	a.Drop(t.raw...)
	a.Drop(t.joint)
}

// shape is how rows of a step divide among arms.
type shape struct{ arms, rows int64 } // rows of one arm

// split views columns of t [K*n, width] as [K, n, out], or [n, out] for one arm.
func (s shape) split(a *shim.Arena, t shim.Tensor, width, from, out int64) shim.Tensor {
	if s.arms == 1 {
		return a.Strided(t, []int64{s.rows, out}, []int64{width, 1}, from)
	}
	return a.Strided(t, []int64{s.arms, s.rows, out}, []int64{s.rows * width, width, 1}, from)
}

// forward adds residual where given. train decides on dropout.
func (l *linear) forward(a *shim.Arena, x, residual shim.Tensor, s shape, train bool) (shim.Tensor, tapedLinear) {
	if l.decomposed() {
		return l.forwardDecomposed(a, x, residual, s, train)
	}
	if y, tape := l.lowRank(a, x, residual, train); !y.Nil() {
		return y, tape
	}
	return l.forwardPlain(a, x, residual, s, train)
}

// forwardPlain is the product with the weights and with the adapters one after another.
func (l *linear) forwardPlain(a *shim.Arena, x, residual shim.Tensor, s shape, train bool) (y shim.Tensor, tape tapedLinear) {
	if !l.stacked.w.Nil() {
		return l.forwardStacked(a, x, residual, s)
	}
	y = a.Linear(x, l.w.w, l.bias.w, residual)
	for i := range l.adapters {
		ad := &l.adapters[i]
		low, mask := ad.forward(a, x, y, l.out, s, train)
		tape.s = append(tape.s, low)
		tape.mask = append(tape.mask, mask)
	}
	return y, tape
}

func (ad *adapter) forward(a *shim.Arena, x, y shim.Tensor, width int64, s shape, train bool) (low, mask shim.Tensor) {
	x3, mask := ad.drop(a, s.split(a, x, ad.in, 0, ad.in), train)
	low = a.Product(shim.Op{Tensor: x3}, shim.Op{Tensor: ad.a.w, T: true})
	to := s.split(a, y, width, ad.from, ad.out)
	ad.addScaled(a, to, low)
	a.Drop(x3, to)
	return low, mask
}

// drop puts dropout on x3 where it is due.
func (ad *adapter) drop(a *shim.Arena, x3 shim.Tensor, train bool) (kept, mask shim.Tensor) {
	if !train || ad.dropout == 0 {
		return x3, shim.Tensor{}
	}
	mask = a.DropoutMask(x3, ad.dropout)
	kept = a.Mul(x3, mask)
	a.Drop(x3)
	return kept, mask
}

// addScaled adds scale times low B^T to columns of the output.
func (ad *adapter) addScaled(a *shim.Arena, to, low shim.Tensor) {
	b := shim.Op{Tensor: ad.b.w, T: true}
	if ad.scales.Nil() {
		a.Gemm(to, shim.Op{Tensor: low}, b, 1, ad.scale[0])
		return
	}
	// The scale differs by arm: it goes into low, which the backward pass expects so.
	a.MulArms(low, ad.scales)
	a.Gemm(to, shim.Op{Tensor: low}, b, 1, 1)
}

// backward leaves gradients (beta 0 overwrites them, 1 adds) and returns the gradient
// for x, none where needX is false.
func (l *linear) backward(a *shim.Arena, dy, x shim.Tensor, tape tapedLinear, s shape, beta float64, needX bool) shim.Tensor {
	if l.w.trained() {
		l.weightGradient(a, dy, x, beta)
	}
	if l.decomposed() {
		return l.backwardDecomposed(a, dy, x, tape, s, beta, needX)
	}
	if !tape.joint.Nil() {
		return a.LoRABackward(dy, x, l.w.w, l.merged, l.lowRanks(), l.adapters[0].scale, tape.joint, beta, needX)
	}
	return l.backwardPlain(a, dy, dy, x, tape, s, beta, needX)
}

// besideBelow bounds the weights whose gradients are made beside what follows: in tiles of
// 128 by 256 they have no more than a large GPU has processors, and leave some of them
// idle. Larger ones only get in the way (measured on an H200: GPT-2 124M gains 3 to 10 %
// of a step, Llama 1.2B loses 1 % by all of its own).
const besideBelow = 4 << 20

// weightGradient leaves the gradients of weights and bias, which nobody waits for.
func (l *linear) weightGradient(a *shim.Arena, dy, x shim.Tensor, beta float64) {
	work := func() {
		a.Gemm(l.w.grad, shim.Op{Tensor: dy, T: true}, shim.Op{Tensor: x}, beta, 1)
		if !l.bias.w.Nil() {
			a.SumRows(l.bias.grad, dy, beta)
		}
	}
	if l.out*l.in < besideBelow {
		a.Beside(work, dy, x)
	} else {
		work()
	}
}

// early reports whether the gradient for x can be had before x: not where one call makes
// all of them, nor where dropout or magnitudes lie between.
func (l *linear) early(tape *tapedLinear) bool {
	return !l.decomposed() && tape.joint.Nil() && (len(l.adapters) == 0 || !l.stacked.w.Nil())
}

// inputGradient is the gradient for x where early allows; backward then leaves the rest.
func (l *linear) inputGradient(a *shim.Arena, dy shim.Tensor, tape *tapedLinear, s shape, beta float64) shim.Tensor {
	if l.stacked.w.Nil() {
		return a.Product(shim.Op{Tensor: dy}, shim.Op{Tensor: l.w.w})
	}
	l.lowGradient(a, dy, tape, s, beta)
	return l.toInput(a, dy, tape.dlow, s)
}

// backwardPlain takes the gradient for the product with the weights and that for the
// product with the adapters, which are one but for DoRA under dropout.
func (l *linear) backwardPlain(a *shim.Arena, dy, dya, x shim.Tensor, tape tapedLinear, s shape, beta float64, needX bool) shim.Tensor {
	if !l.stacked.w.Nil() {
		return l.backwardStacked(a, dy, dya, x, tape, s, beta, needX)
	}
	var dx shim.Tensor
	if needX {
		dx = a.Product(shim.Op{Tensor: dy}, shim.Op{Tensor: l.w.w})
	}
	for i := range l.adapters {
		l.adapters[i].backward(a, dya, x, dx, l.out, tape.s[i], tape.mask[i], s, beta)
	}
	return dx
}

func (ad *adapter) backward(a *shim.Arena, dy, x, dx shim.Tensor, width int64, low, mask shim.Tensor, s shape, beta float64) {
	from := s.split(a, dy, width, ad.from, ad.out)
	dlow := a.Product(shim.Op{Tensor: from}, shim.Op{Tensor: ad.b.w}) // [K, n, r]
	scale := 1.0
	if ad.scales.Nil() {
		scale = ad.scale[0]
		a.Scale(dlow, scale)
	} else {
		a.MulArms(dlow, ad.scales)
	}
	a.Gemm(ad.b.grad, shim.Op{Tensor: from, T: true}, shim.Op{Tensor: low}, beta, scale)
	x3 := s.split(a, x, ad.in, 0, ad.in)
	if !mask.Nil() {
		kept := a.Mul(x3, mask)
		a.Drop(x3)
		x3 = kept
	}
	a.Gemm(ad.a.grad, shim.Op{Tensor: dlow, T: true}, shim.Op{Tensor: x3}, beta, 1)
	if !dx.Nil() {
		ad.addToInput(a, dx, dlow, ad.a.w, mask, s)
	}
	a.Drop(from, dlow, x3)
}

func (ad *adapter) addToInput(a *shim.Arena, dx, dlow, low, mask shim.Tensor, s shape) {
	to := s.split(a, dx, ad.in, 0, ad.in)
	if mask.Nil() {
		a.Gemm(to, shim.Op{Tensor: dlow}, shim.Op{Tensor: low}, 1, 1)
	} else {
		d := a.Product(shim.Op{Tensor: dlow}, shim.Op{Tensor: low})
		a.AddProduct(to, d, mask)
		a.Drop(d)
	}
	a.Drop(to)
}
