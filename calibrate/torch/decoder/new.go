package decoder

import (
	"fmt"
	"math"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/torch/shim"
)

// Arm is one LoRA adapter set of a model; a model trains several side by side.
type Arm struct {
	Method evidence.Method
	Seed   int64 // of A's initial values
}

// NewFull makes a model whose every parameter is trained.
func NewFull(c hf.Config, p Precision, device, positions int) (*Model, error) {
	m := newModel(c, p, device)
	m.base = newFlat(m.arena, 1, m.layout.total, m.layout.matrices, p)
	return m.finish(positions)
}

// NewLoRA makes a model with frozen weights and one adapter set an arm. All arms adapt
// the same modules; ranks may differ, at the price of the largest.
func NewLoRA(c hf.Config, p Precision, device, positions int, arms []Arm) (*Model, error) {
	m := newModel(c, p, device)
	m.frozen = m.arena.Zeros(p.Compute, m.layout.total)
	m.arms = arms
	m.bind(positions)
	if err := m.adapt(); err != nil {
		m.Close()
		return nil, err
	}
	return m.done()
}

// NewFrozen makes a model that only computes losses.
func NewFrozen(c hf.Config, p Precision, device, positions int) (*Model, error) {
	m := newModel(c, p, device)
	m.frozen = m.arena.Zeros(p.Compute, m.layout.total)
	return m.finish(positions)
}

func newModel(c hf.Config, p Precision, device int) *Model {
	return &Model{Config: c, Precision: p, arena: shim.NewArena(device), layout: newLayout(c, device != shim.CPU)}
}

func (m *Model) finish(positions int) (*Model, error) {
	m.bind(positions)
	return m.done()
}

func (m *Model) done() (*Model, error) {
	if err := m.arena.Err(); err != nil {
		m.Close()
		return nil, fmt.Errorf("making the model: %w", err)
	}
	return m, nil
}

// SetBackend chooses the attention kernel on CUDA.
func (m *Model) SetBackend(b shim.Backend) { m.backend = b }

// view binds a slot to its place in the buffers.
func (m *Model) view(s slot) param {
	size, stride := []int64{s.rows, s.cols}, []int64{s.cols, 1}
	if !s.matrix {
		size, stride = []int64{s.cols}, []int64{1}
	}
	if m.base == nil {
		return param{w: m.arena.Strided(m.frozen, size, stride, s.offset)}
	}
	return param{w: m.arena.Strided(m.base.work, size, stride, s.offset), grad: m.arena.Strided(m.base.grad, size, stride, s.offset)}
}

// named binds the parameters that lie together from the first name on; none are missing
// parts of a family.
func (m *Model) named(names ...string) param {
	s, ok := m.layout.group(names...)
	if !ok {
		return param{}
	}
	return m.view(s)
}

// headOf binds the output head, spare rows included, to its own weights or to the
// embedding's.
func (m *Model) headOf(embedding string) param {
	name := "lm_head.weight"
	if m.Config.Tied {
		name = embedding
	}
	s, _ := m.layout.group(name)
	s.rows += s.spare
	return m.view(s)
}

// bind gives every layer its views, tables its positions.
func (m *Model) bind(positions int) {
	c := m.Config
	b := binder{m: m, names: namesOf(c)}
	m.embedding = m.named(b.names.embedding)
	m.positions = m.named(b.names.positions)
	m.final = b.norm(b.names.final)
	m.head = m.headOf(b.names.embedding)
	if !c.LearnedPositions() {
		b.tables(positions)
	}
	for i := range c.Layers {
		m.blocks = append(m.blocks, b.block(i))
	}
}

type binder struct {
	m               *Model
	names           names
	rope, localRope *ropeTable
}

// tables makes one rotary table for plain layers and one for those with a window, whose
// base differs in Gemma 3.
func (b *binder) tables(positions int) {
	c := b.m.Config
	made := map[bool]**ropeTable{false: &b.rope, true: &b.localRope}
	for layer := range c.Layers {
		sliding := layer < len(c.LayerSliding) && c.LayerSliding[layer]
		if table := made[sliding]; *table == nil {
			*table = newRopeTable(b.m.arena, c, layer, positions)
		}
	}
}

func (b *binder) norm(name string) norm {
	n := norm{w: b.m.named(name + ".weight"), b: b.m.named(name + ".bias"), eps: b.m.Config.NormEps}
	if b.m.Config.NormPlusOne {
		n.offset = 1
	}
	return n
}

// optionalNorm is nil where the family has no such norm.
func (b *binder) optionalNorm(name string) *norm {
	n := b.norm(name)
	if name == "" || n.w.w.Nil() {
		return nil
	}
	return &n
}

func (b *binder) linear(modules ...string) linear {
	weights, biases := make([]string, len(modules)), make([]string, len(modules))
	for i, name := range modules {
		weights[i], biases[i] = name+".weight", name+".bias"
	}
	s, _ := b.m.layout.group(weights...)
	return linear{out: s.rows, in: s.cols, w: b.m.named(weights...), bias: b.m.named(biases...)}
}

func (b *binder) block(i int) block {
	c := b.m.Config
	n := b.names.layer(i)
	out := block{
		norm1: b.norm(n.norm1), norm2: b.norm(n.norm2), post1: b.optionalNorm(n.post1), post2: b.optionalNorm(n.post2),
		qNorm: b.optionalNorm(n.qNorm), kNorm: b.optionalNorm(n.kNorm),
		qkv: b.linear(n.qkv...), out: b.linear(n.out), up: b.linear(n.up...), down: b.linear(n.down),
		heads: int64(c.Heads), kvHeads: int64(c.KVHeads), headDim: int64(c.HeadDim), rotary: int64(c.HeadDim),
		scale: c.AttentionScale, rope: b.rope, activation: activations[c.Activation], gated: c.GatedMLP(),
	}
	if out.scale == 0 {
		out.scale = 1 / math.Sqrt(float64(c.HeadDim))
	}
	if i < len(c.LayerSliding) && c.LayerSliding[i] {
		out.window = int64(c.SlidingWindow)
		out.rope = b.localRope
	}
	return out
}
