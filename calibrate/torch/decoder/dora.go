package decoder

import "ftadvise/calibrate/torch/shim"

// magnitude is DoRA's part of an adapter (arXiv 2402.09353, equation 5): the columns of
// y without bias are multiplied by m / ||W + s B A||, the norm of each row held constant
// in the backward pass (section 4.3), as in PEFT. The norm changes with A and B alone,
// so it is reckoned once a step.
type magnitude struct {
	param                       // m [K, out], master precision
	norm, factor    shim.Tensor // [K, out] fp32: the norm, and m over it
	squares, weight shim.Tensor // [out] fp32, of W's rows; W [K, out, in], the same for all arms
	slice           shim.Tensor // W [out, in]
}

func (m *Model) newMagnitude(place site, ad *adapter) *magnitude {
	from := place.from * ad.in
	mag := &magnitude{
		param:   param{m.vectorView(m.adapters.master, ad.out, ad.offsetM), m.vectorView(m.adapters.grad, ad.out, ad.offsetM)},
		squares: m.arena.Zeros(shim.F32, ad.out),
		slice:   m.arena.Strided(place.linear.w.w, []int64{ad.out, ad.in}, []int64{ad.in, 1}, from),
	}
	mag.norm, mag.factor, mag.weight = m.arena.EmptyLike(mag.squares), m.arena.EmptyLike(mag.squares), mag.slice
	if k := m.adapters.arms; k > 1 {
		mag.norm, mag.factor = m.arena.Zeros(shim.F32, k, ad.out), m.arena.Zeros(shim.F32, k, ad.out)
		mag.weight = m.arena.Strided(place.linear.w.w, []int64{k, ad.out, ad.in}, []int64{0, ad.in, 1}, from)
	}
	return mag
}

// vectorView views a vector of each arm: [K, n], or [n] for one arm.
func (m *Model) vectorView(t shim.Tensor, n, offset int64) shim.Tensor {
	if m.adapters.arms == 1 {
		return m.arena.Strided(t, []int64{n}, []int64{1}, offset)
	}
	return m.arena.Strided(t, []int64{m.adapters.arms, n}, []int64{m.adapters.elements, 1}, offset)
}

// renorm reckons the norms and factors of all adapters anew, after a change of A, B or m.
func (m *Model) renorm(a *shim.Arena) {
	for _, ad := range m.dora {
		ad.renorm(a)
		ad.magnitude.refactor(a)
	}
}

// startMagnitudes sets the magnitudes to the rows' norms, where DoRA starts.
func (m *Model) startMagnitudes(a *shim.Arena) {
	for _, ad := range m.dora {
		mag := ad.magnitude
		a.RowSquares(mag.squares, mag.slice)
		ad.renorm(a)
		a.Copy(mag.w, mag.norm)
		mag.refactor(a)
	}
}

func (mag *magnitude) refactor(a *shim.Arena) { a.Divide(mag.factor, mag.w, mag.norm) }

// renorm takes ||W + s B A||^2 of each row as ||W||^2 + (2 s W A^T + s^2 B A A^T) . B, so
// that W is read once and W + s B A never formed.
func (ad *adapter) renorm(a *shim.Arena) {
	low, up := a.Cast(ad.a.w, shim.F32), a.Cast(ad.b.w, shim.F32)
	square := a.Product(shim.Op{Tensor: low}, shim.Op{Tensor: low, T: true})
	ad.scaleArms(a, square)
	t := a.EmptyLike(up)
	a.Gemm(t, shim.Op{Tensor: ad.magnitude.weight}, shim.Op{Tensor: ad.a.w, T: true}, 0, 1)
	a.Gemm(t, shim.Op{Tensor: up}, shim.Op{Tensor: square}, 2, 1)
	ad.scaleArms(a, t)
	a.AdaptedNorm(ad.magnitude.norm, ad.magnitude.squares, t, up)
	a.Drop(low, up, square, t)
}

// scaleArms multiplies each arm's part of t by its scale.
func (ad *adapter) scaleArms(a *shim.Arena, t shim.Tensor) {
	if ad.scales.Nil() {
		a.Scale(t, ad.scale[0])
	} else {
		a.MulArms(t, ad.scales)
	}
}

func (l *linear) decomposed() bool { return len(l.adapters) > 0 && l.adapters[0].magnitude != nil }

// forwardDecomposed is forward with DoRA.
func (l *linear) forwardDecomposed(a *shim.Arena, x, residual shim.Tensor, s shape, train bool) (shim.Tensor, tapedLinear) {
	y := a.Linear(x, l.w.w, shim.Tensor{}, shim.Tensor{})
	var tape tapedLinear
	for i := range l.adapters {
		ad := &l.adapters[i]
		to := s.split(a, y, l.out, ad.from, ad.out)
		x3, mask := ad.drop(a, s.split(a, x, ad.in, 0, ad.in), train)
		low := a.Product(shim.Op{Tensor: x3}, shim.Op{Tensor: ad.a.w, T: true})
		var raw shim.Tensor
		if mask.Nil() {
			raw = ad.magnify(a, to, low, train)
		} else {
			raw = ad.magnifyDropped(a, to, x3, low)
		}
		a.Drop(to, x3)
		tape.s, tape.mask, tape.raw = append(tape.s, low), append(tape.mask, mask), append(tape.raw, raw)
	}
	for _, more := range []shim.Tensor{l.bias.w, residual} {
		if !more.Nil() {
			a.Add(y, more, 1)
		}
	}
	return y, tape
}

// magnify turns y = x W^T into m/norm (x W^T + s low B^T) and returns what it multiplied,
// where the backward pass will want it.
func (ad *adapter) magnify(a *shim.Arena, y, low shim.Tensor, train bool) (raw shim.Tensor) {
	ad.addScaled(a, y, low)
	if train {
		raw = a.EmptyLike(y)
		a.Copy(raw, y)
	}
	a.MulColumns(y, ad.magnitude.factor)
	return raw
}

// magnifyDropped does the same under dropout, which is on what goes through the
// magnitudes alone: y = x W^T + (m/norm - 1) d W^T + m/norm s low B^T for d, x after
// dropout, and low, d A^T.
func (ad *adapter) magnifyDropped(a *shim.Arena, y, d, low shim.Tensor) (raw shim.Tensor) {
	raw = a.Product(shim.Op{Tensor: d}, shim.Op{Tensor: ad.magnitude.weight, T: true})
	a.Add(y, raw, -1)
	ad.addScaled(a, raw, low)
	scaled := a.EmptyLike(raw)
	a.Copy(scaled, raw)
	a.MulColumns(scaled, ad.magnitude.factor)
	a.Add(y, scaled, 1)
	a.Drop(scaled)
	return raw
}

// backwardDecomposed leaves the magnitudes' gradients; all else sees dy times the factors.
func (l *linear) backwardDecomposed(a *shim.Arena, dy, x shim.Tensor, tape tapedLinear, s shape, beta float64, needX bool) shim.Tensor {
	scaled := a.EmptyLike(dy)
	a.Copy(scaled, dy)
	for i := range l.adapters {
		mag := l.adapters[i].magnitude
		to := s.split(a, scaled, l.out, l.adapters[i].from, l.adapters[i].out)
		a.ColumnDots(mag.grad, to, tape.raw[i], mag.norm, beta)
		a.MulColumns(to, mag.factor)
		a.Drop(to)
	}
	direct := scaled
	if !tape.mask[0].Nil() {
		direct = dy
	}
	dx := l.backwardPlain(a, direct, scaled, x, tape, s, beta, needX)
	if needX && direct == dy {
		l.addDropped(a, dx, dy, scaled, tape, s)
	}
	a.Drop(scaled)
	return dx
}

// addDropped adds the gradient of (m/norm - 1) d W^T for x.
func (l *linear) addDropped(a *shim.Arena, dx, dy, scaled shim.Tensor, tape tapedLinear, s shape) {
	a.Add(scaled, dy, -1)
	for i := range l.adapters {
		ad := &l.adapters[i]
		from, to := s.split(a, scaled, l.out, ad.from, ad.out), s.split(a, dx, ad.in, 0, ad.in)
		d := a.Product(shim.Op{Tensor: from}, shim.Op{Tensor: ad.magnitude.weight})
		a.AddProduct(to, d, tape.mask[i])
		a.Drop(from, to, d)
	}
}
