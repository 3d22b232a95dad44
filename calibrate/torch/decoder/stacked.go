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

func (l *linear) forwardStacked(a *shim.Arena, x, y shim.Tensor, s shape) tapedLinear {
	in := l.adapters[0].in
	x3 := s.split(a, x, in, 0, in)
	tape := tapedLinear{low: a.Product(shim.Op{Tensor: x3}, shim.Op{Tensor: l.stacked.w, T: true})}
	scale := l.scaleOnce(a, tape.low)
	from := int64(0)
	for i := range l.adapters {
		ad := &l.adapters[i]
		low, to := s.split(a, tape.low, l.ranks, from, ad.rank), s.split(a, y, l.out, ad.from, ad.out)
		a.Gemm(to, shim.Op{Tensor: low}, shim.Op{Tensor: ad.b.w, T: true}, 1, scale)
		tape.s, tape.mask = append(tape.s, low), append(tape.mask, shim.Tensor{})
		from += ad.rank
		a.Drop(to)
	}
	a.Drop(x3)
	return tape
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
// times the arms' scales where these differ.
func (l *linear) backwardStacked(a *shim.Arena, dy, x, dx shim.Tensor, tape tapedLinear, s shape, beta float64) {
	first := &l.adapters[0]
	dlow := a.Empty(l.compute, s.arms*s.rows, l.ranks)
	scale := 1.0
	if first.scales.Nil() {
		scale = first.scale[0]
	}
	from := int64(0)
	for i := range l.adapters {
		ad := &l.adapters[i]
		gradient, to := s.split(a, dy, l.out, ad.from, ad.out), s.split(a, dlow, l.ranks, from, ad.rank)
		a.Gemm(to, shim.Op{Tensor: gradient}, shim.Op{Tensor: ad.b.w}, 0, scale)
		a.Gemm(ad.b.grad, shim.Op{Tensor: gradient, T: true}, shim.Op{Tensor: tape.s[i]}, beta, scale)
		from += ad.rank
		a.Drop(gradient, to)
	}
	wide := s.split(a, dlow, l.ranks, 0, l.ranks)
	if !first.scales.Nil() {
		a.MulArms(wide, first.scales)
	}
	x3 := s.split(a, x, first.in, 0, first.in)
	a.Gemm(l.stacked.grad, shim.Op{Tensor: wide, T: true}, shim.Op{Tensor: x3}, beta, 1)
	if !dx.Nil() {
		first.addToInput(a, dx, wide, l.stacked.w, shim.Tensor{}, s)
	}
	a.Drop(dlow, wide, x3)
}
