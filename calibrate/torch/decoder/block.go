package decoder

import "ftadvise/calibrate/torch/shim"

// block is one layer: attention and MLP, each behind a norm and added to the stream.
// Gemma normalises what they return as well (post1, post2), Qwen3 each head of q and k.
type block struct {
	norm1, norm2 norm
	post1, post2 *norm
	qNorm, kNorm *norm
	qkv, out     linear
	up, down     linear // up is gate|up where the MLP is gated

	heads, kvHeads, headDim, rotary int64
	window                          int64
	scale                           float64
	rope                            *ropeTable // nil where positions are learned
	activation                      shim.Activation
	gated                           bool
}

// tape is what one block's forward pass leaves for its backward pass. Norms and
// activations are recomputed, unless the pass remembers: they cost no product and would be
// half of the memory.
type tape struct {
	x, x1          shim.Tensor // the stream before attention and before the MLP
	h, h1, act     shim.Tensor // x and x1 behind their norms, up behind the activation; remembered
	stats1, stats2 stats
	qkv            shim.Tensor // after rotation
	heads          headTape
	attended       shim.Attended
	attentionOut   shim.Tensor // before post1
	postStats1     stats
	up             shim.Tensor // before the activation
	mlpOut         shim.Tensor // before post2
	postStats2     stats
	lq, lo, lu, ld tapedLinear
}

func (t *tape) drop(a *shim.Arena) {
	a.Drop(t.x1, t.h, t.h1, t.act, t.qkv, t.attentionOut, t.up, t.mlpOut)
	for _, s := range []stats{t.stats1, t.stats2, t.postStats1, t.postStats2} {
		s.drop(a)
	}
	for _, l := range []tapedLinear{t.lq, t.lo, t.lu, t.ld} {
		l.drop(a)
	}
	t.heads.drop(a)
	t.attended.Drop(a)
}

// pass is what all blocks of one forward or backward pass share.
type pass struct {
	a         *shim.Arena
	shape     shape
	batch     int64 // sequences, of all arms
	length    int64
	positions shim.Tensor
	packing   func(window int64) shim.Packing
	backend   shim.Backend
	train     bool
	remember  bool
	beta      float64 // 0 overwrites gradients, 1 adds to them
}

// leave keeps a value for the way back where the pass remembers, and drops it elsewhere.
func (p *pass) leave(t shim.Tensor) shim.Tensor {
	if p.remember && p.train {
		return t
	}
	p.a.Drop(t)
	return shim.Tensor{}
}

// taken empties what the tape remembers, whose value goes to the caller.
func taken(t *shim.Tensor) shim.Tensor {
	value := *t
	*t = shim.Tensor{}
	return value
}

func (b *block) geometry(p *pass) shim.AttentionShape {
	return shim.AttentionShape{
		Batch: p.batch, Length: p.length, Heads: b.heads, KVHeads: b.kvHeads, HeadDim: b.headDim,
		Window: b.windowOf(p), Scale: b.scale, Backend: p.backend,
	}
}

// windowOf is 0 where the window is no narrower than the sequence.
func (b *block) windowOf(p *pass) int64 {
	if b.window >= p.length {
		return 0
	}
	return b.window
}

// forward takes the stream x [N,d] and returns the next; x stays alive in the tape.
func (b *block) forward(p *pass, x shim.Tensor) (shim.Tensor, *tape) {
	t := &tape{x: x}
	b.attend(p, t)
	return b.mlp(p, t), t
}

func (b *block) attend(p *pass, t *tape) {
	a := p.a
	h, s := b.norm1.forward(a, t.x)
	t.stats1 = s
	t.qkv, t.lq = b.qkv.forward(a, h, shim.Tensor{}, p.shape, p.train)
	t.h = p.leave(h)
	t.heads = b.turnHeads(p, t.qkv)
	shape := b.geometry(p)
	t.attended = a.Attention(t.qkv, shape, p.packing(shape.Window))
	t.x1, t.attentionOut, t.postStats1, t.lo = b.add(p, &b.out, b.post1, t.attended.Out, t.x)
}

func (b *block) mlp(p *pass, t *tape) shim.Tensor {
	a := p.a
	h, s := b.norm2.forward(a, t.x1)
	t.stats2 = s
	t.up, t.lu = b.up.forward(a, h, shim.Tensor{}, p.shape, p.train)
	t.h1 = p.leave(h)
	act := a.Activate(t.up, b.activation, b.gated)
	y, raw, st, l := b.add(p, &b.down, b.post2, act, t.x1)
	t.mlpOut, t.postStats2, t.ld = raw, st, l
	t.act = p.leave(act)
	return y
}

// add is stream + linear(x), with post's norm between where there is one.
func (b *block) add(p *pass, l *linear, post *norm, x, stream shim.Tensor) (y, raw shim.Tensor, s stats, taped tapedLinear) {
	if post == nil {
		y, taped = l.forward(p.a, x, stream, p.shape, p.train)
		return y, shim.Tensor{}, stats{}, taped
	}
	raw, taped = l.forward(p.a, x, shim.Tensor{}, p.shape, p.train)
	y, s = post.forward(p.a, raw)
	p.a.Add(y, stream, 1)
	return y, raw, s, taped
}

// backward takes the gradient for the block's output, drops it and the tape, and returns
// the gradient for its input, none where needX is false.
func (b *block) backward(p *pass, dy shim.Tensor, t *tape, needX bool) shim.Tensor {
	dx1 := b.mlpBackward(p, dy, t)
	p.a.Drop(dy)
	dx := b.attendBackward(p, dx1, t, needX)
	p.a.Drop(dx1)
	t.drop(p.a)
	return dx
}

func (b *block) mlpBackward(p *pass, dy shim.Tensor, t *tape) shim.Tensor {
	a := p.a
	draw := b.addBackward(p, b.post2, dy, t.mlpOut, t.postStats2)
	dup := b.downBackward(p, draw, t)
	dropOther(a, draw, dy)
	h := b.norm2.again(a, t.x1, &t.h1)
	dh := b.up.backward(a, dup, h, t.lu, p.shape, p.beta, true)
	a.Drop(dup, h)
	dx1 := b.norm2.backward(a, dh, t.x1, t.stats2, dy)
	a.Drop(dh)
	return dx1
}

// downBackward is the gradient for what goes into the activation. On a GPU, where down
// tells the gradient for its input first, one kernel makes that input again beside the
// activation's gradient, in the place that dact leaves.
func (b *block) downBackward(p *pass, dy shim.Tensor, t *tape) shim.Tensor {
	a := p.a
	if b.gated && a.Device() != shim.CPU && b.down.early(&t.ld) {
		act := b.down.inputGradient(a, dy, &t.ld, p.shape, p.beta)
		dup := a.ActivateBackward(act, t.up, b.activation, b.gated, true)
		b.down.backward(a, dy, act, t.ld, p.shape, p.beta, false)
		a.Drop(act)
		return dup
	}
	act := taken(&t.act)
	if act.Nil() {
		act = a.Activate(t.up, b.activation, b.gated)
	}
	dact := b.down.backward(a, dy, act, t.ld, p.shape, p.beta, true)
	dup := a.ActivateBackward(dact, t.up, b.activation, b.gated, false)
	a.Drop(act, dact)
	return dup
}

func (b *block) attendBackward(p *pass, dy shim.Tensor, t *tape, needX bool) shim.Tensor {
	a := p.a
	draw := b.addBackward(p, b.post1, dy, t.attentionOut, t.postStats1)
	dout := b.out.backward(a, draw, t.attended.Out, t.lo, p.shape, p.beta, true)
	dropOther(a, draw, dy)
	shape := b.geometry(p)
	dqkv := a.AttentionBackward(dout, t.qkv, t.attended, shape, p.packing(shape.Window))
	a.Drop(dout)
	b.turnHeadsBack(p, dqkv, t.heads)
	h := b.norm1.again(a, t.x, &t.h)
	dh := b.qkv.backward(a, dqkv, h, t.lq, p.shape, p.beta, needX || b.norm1.w.trained())
	a.Drop(dqkv, h)
	if dh.Nil() {
		return dh
	}
	dx := b.norm1.backward(a, dh, t.x, t.stats1, dy)
	a.Drop(dh)
	return dx
}

// addBackward is the gradient for what was added to the stream.
func (b *block) addBackward(p *pass, post *norm, dy, raw shim.Tensor, s stats) shim.Tensor {
	if post == nil {
		return dy
	}
	return post.backward(p.a, dy, raw, s, shim.Tensor{})
}

func dropOther(a *shim.Arena, t, keep shim.Tensor) {
	if t != keep {
		a.Drop(t)
	}
}
