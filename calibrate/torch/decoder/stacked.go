package decoder

import "ftadvise/calibrate/torch/shim"

// Adapters of modules that share an input (q, k and v, gate and up) lie one below the
// other, so the input is read once for all of them: x A^T is one product with every A,
// and so are A's gradient and what the adapters add to the input's gradient.

// stack makes the view of every A, where they follow one another and see the same x.
func (m *Model) stack(l *linear) {
	if len(l.adapters) == 0 || l.adapters[0].dropout > 0 {
		return
	}
	first, next := l.adapters[0], l.adapters[0].offsetA
	for _, ad := range l.adapters {
		if ad.offsetA != next {
			return
		}
		next += ad.rank * ad.in
	}
	l.ranks = (next - first.offsetA) / first.in
	l.compute = m.Precision.Compute
	l.stacked = m.adapterView(l.ranks, first.in, first.offsetA)
}

// forwardStacked puts what the adapters add there first, where they have every column of
// y: the product with the weights then adds to it while it is summed, and nobody reads and
// writes y once more.
func (l *linear) forwardStacked(a *shim.Arena, x, residual shim.Tensor, s shape) (y shim.Tensor, tape tapedLinear) {
	in := l.adapters[0].in
	x3 := s.split(a, x, in, 0, in)
	tape.low = a.Product(shim.Op{Tensor: x3}, shim.Op{Tensor: l.stacked.w, T: true})
	a.Drop(x3)
	scale := l.scaleOnce(a, tape.low)
	l.tapeLow(a, &tape, s)
	y = l.begun(a, residual, tape, s, scale)
	if !y.Nil() {
		a.Gemm(y, shim.Op{Tensor: x}, shim.Op{Tensor: l.w.w, T: true}, 1, 1)
		return y, tape
	}
	y = a.Linear(x, l.w.w, l.bias.w, residual)
	l.addLow(a, y, tape, s, 1, scale)
	return y, tape
}

// tapeLow views each adapter's part of low.
func (l *linear) tapeLow(a *shim.Arena, tape *tapedLinear, s shape) {
	from := int64(0)
	for i := range l.adapters {
		rank := l.adapters[i].rank
		tape.s, tape.mask = append(tape.s, s.split(a, tape.low, l.ranks, from, rank)), append(tape.mask, shim.Tensor{})
		from += rank
	}
}

// begun is residual and what the adapters add, none where they leave columns out.
func (l *linear) begun(a *shim.Arena, residual shim.Tensor, tape tapedLinear, s shape, scale float64) shim.Tensor {
	columns := int64(0)
	for i := range l.adapters {
		columns += l.adapters[i].out
	}
	if columns != l.out || !l.bias.w.Nil() {
		return shim.Tensor{}
	}
	if residual.Nil() {
		y := a.Empty(l.compute, s.arms*s.rows, l.out)
		l.addLow(a, y, tape, s, 0, scale)
		return y
	}
	if s.arms == 1 && len(l.adapters) == 1 {
		return a.Onto(residual, tape.low, l.adapters[0].b.w, scale)
	}
	return shim.Tensor{}
}

// addLow leaves beta y plus what each adapter adds in its columns of y.
func (l *linear) addLow(a *shim.Arena, y shim.Tensor, tape tapedLinear, s shape, beta, scale float64) {
	for i := range l.adapters {
		ad := &l.adapters[i]
		to := s.split(a, y, l.out, ad.from, ad.out)
		a.Gemm(to, shim.Op{Tensor: tape.s[i]}, shim.Op{Tensor: ad.b.w, T: true}, beta, scale)
		a.Drop(to)
	}
}

// scaleOnce multiplies by the arms' scales where these differ, and else returns the one
// that the next product should take.
func (l *linear) scaleOnce(a *shim.Arena, low shim.Tensor) float64 {
	if first := &l.adapters[0]; first.scales.Nil() {
		return first.scale[0]
	}
	a.MulArms(low, l.adapters[0].scales)
	return 1
}

// backwardStacked is backward for all adapters at once; tape.s holds x A^T of each,
// times the arms' scales where these differ. dy is the gradient for the product with the
// weights, dya that for the products with the adapters.
func (l *linear) backwardStacked(a *shim.Arena, dy, dya, x shim.Tensor, tape tapedLinear, s shape, beta float64, needX bool) (dx shim.Tensor) {
	if tape.dlow.Nil() {
		l.lowGradient(a, dya, &tape, s, beta)
		defer a.Drop(tape.dlow)
	}
	l.adapterGradients(a, dya, x, tape, s, beta)
	if needX {
		dx = l.toInput(a, dy, tape.dlow, s)
	}
	return dx
}

// adapterGradients leaves those of A, and of B where lowGradient did not.
func (l *linear) adapterGradients(a *shim.Arena, dy, x shim.Tensor, tape tapedLinear, s shape, beta float64) {
	first, scale := &l.adapters[0], l.scale()
	for i := range l.adapters {
		if tape.both {
			break
		}
		ad := &l.adapters[i]
		gradient := s.split(a, dy, l.out, ad.from, ad.out)
		a.Gemm(ad.b.grad, shim.Op{Tensor: gradient, T: true}, shim.Op{Tensor: tape.s[i]}, beta, scale)
		a.Drop(gradient)
	}
	wide, x3 := s.split(a, tape.dlow, l.ranks, 0, l.ranks), s.split(a, x, first.in, 0, first.in)
	a.Gemm(l.stacked.grad, shim.Op{Tensor: wide, T: true}, shim.Op{Tensor: x3}, beta, 1)
	a.Drop(wide, x3)
}

// scale is what goes into single products: 1 where low took the arms' scales.
func (l *linear) scale() float64 {
	if first := &l.adapters[0]; first.scales.Nil() {
		return first.scale[0]
	}
	return 1
}

// lowGradient makes the gradient for x A^T of every A, side by side: [K*n, R]. Where one
// reading of dy makes B's gradients as well, they are there afterwards.
func (l *linear) lowGradient(a *shim.Arena, dy shim.Tensor, tape *tapedLinear, s shape, beta float64) {
	if s.arms == 1 && a.Device() != shim.CPU && !tape.low.Nil() {
		tape.dlow = a.LowGradients(dy, l.lowRanks(), tape.low, l.scale(), beta)
		tape.both = !tape.dlow.Nil()
	}
	if tape.both {
		return
	}
	first := &l.adapters[0]
	tape.dlow = a.Empty(l.compute, s.arms*s.rows, l.ranks)
	from := int64(0)
	for i := range l.adapters {
		ad := &l.adapters[i]
		gradient, to := s.split(a, dy, l.out, ad.from, ad.out), s.split(a, tape.dlow, l.ranks, from, ad.rank)
		a.Gemm(to, shim.Op{Tensor: gradient}, shim.Op{Tensor: ad.b.w}, 0, l.scale())
		from += ad.rank
		a.Drop(gradient, to)
	}
	if !first.scales.Nil() {
		wide := s.split(a, tape.dlow, l.ranks, 0, l.ranks)
		a.MulArms(wide, first.scales)
		a.Drop(wide)
	}
}

// toInput is the gradient for x. What goes through the adapters is written first and the
// product with the weights adds to it, as on the way forward.
func (l *linear) toInput(a *shim.Arena, dy, dlow shim.Tensor, s shape) shim.Tensor {
	in := l.adapters[0].in
	dx := a.Empty(l.compute, s.arms*s.rows, in)
	to, wide := s.split(a, dx, in, 0, in), s.split(a, dlow, l.ranks, 0, l.ranks)
	a.Gemm(to, shim.Op{Tensor: wide}, shim.Op{Tensor: l.stacked.w}, 0, 1)
	a.Gemm(dx, shim.Op{Tensor: dy}, shim.Op{Tensor: l.w.w}, 1, 1)
	a.Drop(to, wide)
	return dx
}
