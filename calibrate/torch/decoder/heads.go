package decoder

import "ftadvise/calibrate/torch/shim"

// headTape is what the norms of single heads need on the way back.
type headTape struct {
	q, k   shim.Tensor // [N*heads, head_dim], before their norm
	sq, sk stats
}

func (t headTape) drop(a *shim.Arena) {
	a.Drop(t.q, t.k)
	t.sq.drop(a)
	t.sk.drop(a)
}

// turnHeads normalises (where the family does) and rotates q and k inside qkv, in place.
func (b *block) turnHeads(p *pass, qkv shim.Tensor) headTape {
	var t headTape
	if b.qNorm != nil {
		t.q, t.sq = b.normHeads(p, b.qNorm, qkv, 0, b.heads)
		t.k, t.sk = b.normHeads(p, b.kNorm, qkv, b.heads*b.headDim, b.kvHeads)
	}
	b.rotate(p, qkv, false)
	return t
}

func (b *block) rotate(p *pass, qkv shim.Tensor, back bool) {
	if b.rope == nil {
		return
	}
	// k follows q, so both turn as one row of heads.
	p.a.Rope(qkv, shim.Rotary{Heads: b.heads + b.kvHeads, HeadDim: b.headDim, RotaryDim: b.rotary, Cos: b.rope.cos, Sin: b.rope.sin, Positions: p.positions}, back)
}

func (b *block) normHeads(p *pass, n *norm, qkv shim.Tensor, column, heads int64) (shim.Tensor, stats) {
	part, before := b.headsCopy(p, qkv, column, heads)
	y, s := n.forward(p.a, before)
	b.put(p, part, y, heads)
	p.a.Drop(part, y)
	return before, s
}

// headsCopy views heads of qkv and copies them as rows [N*heads, head_dim].
func (b *block) headsCopy(p *pass, qkv shim.Tensor, column, heads int64) (view, rows shim.Tensor) {
	n := p.batch * p.length
	view = p.a.Narrow(qkv, 1, column, heads*b.headDim)
	flat := p.a.EmptyLike(view)
	p.a.Copy(flat, view)
	rows = p.a.View(flat, n*heads, b.headDim)
	p.a.Drop(flat)
	return view, rows
}

func (b *block) put(p *pass, view, rows shim.Tensor, heads int64) {
	wide := p.a.View(rows, p.batch*p.length, heads*b.headDim)
	p.a.Copy(view, wide)
	p.a.Drop(wide)
}

// turnHeadsBack turns the gradient for the rotated qkv into that for the plain one.
func (b *block) turnHeadsBack(p *pass, dqkv shim.Tensor, t headTape) {
	b.rotate(p, dqkv, true)
	if b.qNorm == nil {
		return
	}
	b.normHeadsBack(p, b.qNorm, dqkv, 0, b.heads, t.q, t.sq)
	b.normHeadsBack(p, b.kNorm, dqkv, b.heads*b.headDim, b.kvHeads, t.k, t.sk)
}

func (b *block) normHeadsBack(p *pass, n *norm, dqkv shim.Tensor, column, heads int64, before shim.Tensor, s stats) {
	view, dy := b.headsCopy(p, dqkv, column, heads)
	dx := n.backward(p.a, dy, before, s, shim.Tensor{})
	b.put(p, view, dx, heads)
	p.a.Drop(view, dy, dx)
}
