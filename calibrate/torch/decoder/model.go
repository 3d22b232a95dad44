package decoder

import (
	"math"

	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/torch/shim"
)

// Model is a decoder on a device.
type Model struct {
	Config    hf.Config
	Precision Precision

	arena    *shim.Arena // owns the parameters
	layout   *layout
	base     *flat       // where the base model is trained
	frozen   shim.Tensor // where it is not: [elements], compute precision
	adapters *flat
	arms     []Arm
	whole    []wholeModule // trained beside the adapters
	dora     []*adapter    // those with magnitudes

	embedding, positions param
	blocks               []block
	final                norm
	head                 param
	backend              shim.Backend
	recompute            bool // blocks leave only their input and run again on the way back
	remember             bool // blocks leave even what is cheap to make again
	merging              bool // adapted layers multiply by their merged weights
	dropoutSeed          int64
}

// SetCheckpointing makes every block leave only its input in the forward pass and run
// again in the backward pass (arXiv 1604.06174): less memory for a third more time.
func (m *Model) SetCheckpointing(on bool) { m.recompute = on }

// SetRemembering makes blocks keep norms and activations for the backward pass: for passes
// so short that the memory is none.
func (m *Model) SetRemembering(on bool) { m.remember = on }

// Loss is what a forward pass tells of its predicted tokens: [arms*M] each.
type Loss struct {
	PerToken shim.Tensor // fp32, nats
	Hit      shim.Tensor // bool: the label had the largest logit
}

// Tape is what Forward leaves for Backward.
type Tape struct {
	batch  *Batch
	pass   pass
	blocks []*tape
	last   shim.Tensor // the stream after the last block
	stats  stats
	dh     shim.Tensor // the loss's gradient for the head's input rows
}

// headChunk bounds the rows of logits that exist at a time: 8 chunks of a batch, never so
// few rows that products are starved. A GPU in bf16, whose logits take no more than half
// the room and are never copied, takes 4, and rows enough for its products: each chunk
// reads and writes the head's gradient.
func (m *Model) headChunk(rows int64) int64 {
	chunks, least := int64(8), int64(512)
	if m.flash() {
		chunks, least = 4, 2048
	}
	return max(least, (rows/chunks+127)/128*128)
}

// Loss runs the model on a batch without leaving a tape.
func (m *Model) Loss(a *shim.Arena, b *Batch) Loss {
	loss, _ := m.run(a, b, false, 0)
	return loss
}

// Forward runs the model on a batch. Gradients of the head are left at once, with beta
// 0 overwriting older ones.
func (m *Model) Forward(a *shim.Arena, b *Batch, beta float64) (Loss, *Tape) {
	return m.run(a, b, true, beta)
}

func (m *Model) run(a *shim.Arena, b *Batch, train bool, beta float64) (Loss, *Tape) {
	t := &Tape{batch: b, pass: pass{
		a: a, shape: shape{b.arms, b.sequences * b.length}, batch: b.arms * b.sequences, length: b.length,
		positions: b.positions, packing: b.packing(m.Precision.Compute, m.flash()), backend: m.backend, train: train, remember: m.remember, beta: beta,
	}}
	if train && beta == 0 {
		m.clearSums(a)
	}
	x := a.Embed(m.embedding.w, b.ids, m.positions.w, b.positions, m.Config.EmbeddingScale)
	m.dropoutSeed++
	for i := range m.blocks {
		next, taped := m.forwardBlock(t, i, x)
		switch {
		case !train:
			taped.drop(a)
			a.Drop(x)
		case m.recompute:
			taped.drop(a)
			t.blocks = append(t.blocks, &tape{x: x})
		default:
			t.blocks = append(t.blocks, taped)
		}
		x = next
	}
	t.last = x
	loss := m.headLoss(t, train)
	if !train {
		a.Drop(x)
	}
	return loss, t
}

// forwardBlock runs a block. One that will run again draws its dropout from a seed of its
// own, so that it draws the same again.
func (m *Model) forwardBlock(t *Tape, i int, x shim.Tensor) (shim.Tensor, *tape) {
	if m.recompute && len(m.arms) > 0 && m.arms[0].Method.Dropout > 0 {
		t.pass.a.Fail(shim.Seed(m.dropoutSeed*int64(len(m.blocks)) + int64(i)))
	}
	return m.blocks[i].forward(&t.pass, x)
}

// tapeOf is a block's tape, made again where the forward pass kept none.
func (m *Model) tapeOf(t *Tape, i int) *tape {
	if !m.recompute {
		return t.blocks[i]
	}
	y, taped := m.forwardBlock(t, i, t.blocks[i].x)
	t.pass.a.Drop(y)
	return taped
}

// flash reports whether attention runs on CUDA's flash kernel, which knows documents'
// bounds and windows; every other kernel takes a mask.
func (m *Model) flash() bool {
	return m.arena.Device() != shim.CPU && m.Precision.Compute != shim.F32 && m.Config.HeadDim%8 == 0 && m.Config.HeadDim <= 256
}

// Static reports whether a step on this batch issues the same work as on any other of its
// shape: dropout draws anew each time, and masks, where there are any, come from the host.
func (m *Model) Static(b *Batch) bool {
	if len(m.arms) > 0 && m.arms[0].Method.Dropout > 0 {
		return false
	}
	return m.arena.Device() == shim.CPU || m.flash() || !b.packed && m.Config.SlidingWindow == 0
}

// headLoss takes only the rows whose next token carries loss through the head.
func (m *Model) headLoss(t *Tape, train bool) Loss {
	a, b := t.pass.a, t.batch
	if b.taken == 0 {
		return Loss{}
	}
	h, s := m.final.forward(a, t.last)
	t.stats = s
	rows := a.Gather(h, b.rows)
	a.Drop(h)
	loss, dh, hit := a.CrossEntropy(shim.HeadLoss{
		H: rows, W: m.head.w, Vocab: int64(m.Config.Vocab), Labels: b.labels, Weights: b.weights, Chunk: m.headChunk(b.arms * b.taken),
		Softcap: m.Config.LogitSoftcap, Grad: train, DW: m.head.grad, DWBeta: t.pass.beta,
	})
	t.dh = dh
	a.Drop(rows)
	if !train {
		s.drop(a)
	}
	return Loss{loss, hit}
}

// clearSums zeroes the gradients that are added to row by row: vectors, and the
// embedding unless the head's product overwrites it.
func (m *Model) clearSums(a *shim.Arena) {
	if m.base != nil {
		vectors := m.base.part(a, m.base.grad, 0, m.base.matrices, m.base.elements-m.base.matrices)
		a.Zero(vectors)
		a.Drop(vectors)
	}
	if m.embedding.trained() && (m.base == nil || !m.Config.Tied) {
		a.Zero(m.embedding.grad)
	}
	if m.positions.trained() {
		a.Zero(m.positions.grad)
	}
}

// Backward leaves the gradients of everything trained and frees the tape.
func (m *Model) Backward(t *Tape) {
	a := t.pass.a
	if t.dh.Nil() { // nothing to predict
		if t.pass.beta == 0 {
			a.Zero(m.trained().grad)
		}
		m.dropTape(t)
		return
	}
	dh := a.Scatter(t.dh, t.batch.rows, t.pass.batch*t.pass.length)
	a.Drop(t.dh)
	dx := m.final.backward(a, dh, t.last, t.stats, shim.Tensor{})
	t.stats.drop(a)
	a.Drop(dh, t.last)
	for i := len(m.blocks) - 1; i >= 0; i-- {
		needX := m.embedded() || i > m.lowestAdapted()
		x := t.blocks[i].x
		dx = m.blocks[i].backward(&t.pass, dx, m.tapeOf(t, i), needX)
		a.Drop(x)
		a.Turn()
		if !needX {
			m.dropBelow(t, i)
			break
		}
	}
	m.embedBackward(t, dx)
	a.Join()
}

func (m *Model) embedBackward(t *Tape, dx shim.Tensor) {
	a := t.pass.a
	if m.embedding.trained() {
		a.EmbedBackward(dx, t.batch.ids, m.Config.EmbeddingScale, m.embedding.grad)
	}
	if m.positions.trained() {
		a.EmbedBackward(dx, t.batch.positions, 1, m.positions.grad)
	}
	a.Drop(dx)
}

// embedded reports whether the gradient is wanted down to the embeddings.
func (m *Model) embedded() bool { return m.embedding.trained() || m.positions.trained() }

// lowestAdapted is the first block with an adapter: nothing below needs gradients.
func (m *Model) lowestAdapted() int {
	for i := range m.blocks {
		b := &m.blocks[i]
		if len(b.qkv.adapters)+len(b.out.adapters)+len(b.up.adapters)+len(b.down.adapters) > 0 {
			return i
		}
	}
	return len(m.blocks)
}

func (m *Model) dropTape(t *Tape) {
	t.pass.a.Drop(t.last, t.dh)
	m.dropBelow(t, len(m.blocks))
}

// dropBelow frees the tapes of the blocks below the i-th.
func (m *Model) dropBelow(t *Tape, i int) {
	for _, taped := range t.blocks[:i] {
		taped.drop(t.pass.a)
		t.pass.a.Drop(taped.x)
	}
}

// Close frees the model's memory.
func (m *Model) Close() { m.arena.Reset() }

// Err is the first error of making or loading the model.
func (m *Model) Err() error { return m.arena.Err() }

// UniformLoss is the loss of a model that knows nothing, ln(vocabulary) nats a token.
func (m *Model) UniformLoss() float64 { return math.Log(float64(m.Config.Vocab)) }
