package decoder

import (
	"slices"

	"ftadvise/calibrate/torch/shim"
)

// Models that lanes train: on the weights of another, with gradients of their own or arms
// of their own.

// twin is a model on the same weights that leaves gradients of its own.
func (m *Model) twin() *Model {
	t := *m
	t.arena = shim.NewArena(m.arena.Device())
	f := *m.trained()
	own := f.grad
	f.grad = t.arena.EmptyLike(own)
	t.arena.Zero(f.grad) // between parameters lie gaps that no pass writes
	if m.base != nil {
		t.base = &f
	} else {
		t.adapters = &f
	}
	t.blocks = slices.Clone(m.blocks)
	t.eachParam(func(p *param) {
		if p.trained() {
			p.grad = t.arena.Alike(p.grad, own, f.grad)
		}
	})
	return &t
}

// only is the model with some of its arms, whose gradients it leaves where the model has
// them.
func (m *Model) only(from, to int) *Model {
	t := *m
	t.arena = shim.NewArena(m.arena.Device())
	some := func(x shim.Tensor) shim.Tensor {
		if x.Nil() {
			return x
		}
		return t.arena.Narrow(x, 0, int64(from), int64(to-from))
	}
	f := *m.adapters
	f.arms, f.grad = int64(to-from), some(f.grad)
	t.arms, t.adapters = m.arms[from:to], &f
	t.blocks = slices.Clone(m.blocks)
	for i := range t.blocks {
		for _, l := range t.blocks[i].linears() {
			l.stacked = param{some(l.stacked.w), some(l.stacked.grad)}
			l.adapters = slices.Clone(l.adapters)
			for j := range l.adapters {
				ad := &l.adapters[j]
				ad.a, ad.b = param{some(ad.a.w), some(ad.a.grad)}, param{some(ad.b.w), some(ad.b.grad)}
				ad.scale, ad.scales = ad.scale[from:to], some(ad.scales)
			}
		}
	}
	return &t
}

// eachParam visits every parameter, on copies of what blocks point to.
func (m *Model) eachParam(visit func(*param)) {
	for _, p := range []*param{&m.embedding, &m.positions, &m.head, &m.final.w, &m.final.b} {
		visit(p)
	}
	for i := range m.blocks {
		m.blocks[i].eachParam(visit)
	}
}

func (b *block) eachParam(visit func(*param)) {
	for _, n := range []*norm{&b.norm1, &b.norm2} {
		visit(&n.w)
		visit(&n.b)
	}
	for _, n := range []**norm{&b.post1, &b.post2, &b.qNorm, &b.kNorm} {
		if *n != nil {
			own := **n
			visit(&own.w)
			visit(&own.b)
			*n = &own
		}
	}
	for _, l := range b.linears() {
		l.eachParam(visit)
	}
}

func (l *linear) eachParam(visit func(*param)) {
	for _, p := range []*param{&l.w, &l.bias, &l.stacked} {
		visit(p)
	}
	l.adapters = slices.Clone(l.adapters)
	for i := range l.adapters {
		ad := &l.adapters[i]
		visit(&ad.a)
		visit(&ad.b)
		if ad.magnitude != nil {
			own := *ad.magnitude
			visit(&own.param)
			ad.magnitude = &own
		}
	}
}
