package teacher

import (
	"encoding/binary"
	"fmt"
	"math"

	"ftadvise/calibrate/hf"
)

// Model is a Llama in fp32: RMS norms, rotated queries and keys, SiLU, a head that is the
// embedding, and no biases.
type Model struct {
	config    hf.Config
	embedding matrix // vocabulary x hidden
	layers    []layer
	norm      []float32
	cos, sin  []float32 // positions x half a head
}

// matrix is out x in, row by row.
type matrix struct {
	out, in int
	w       []float32
}

type layer struct {
	norm1, norm2   []float32
	q, k, v, o     matrix
	gate, up, down matrix
}

// Load reads a base model's folder.
func Load(dir string) (*Model, error) {
	from, err := hf.Open(dir)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	c := from.Config
	if c.ModelType != "llama" || !c.Tied || c.AttentionBias || c.MLPBias || c.RopeScaling != nil || c.Activation != "silu" {
		return nil, fmt.Errorf("%s: a teacher is a plain Llama with tied embeddings, as the suite's bases are", dir)
	}
	m := &Model{config: c, layers: make([]layer, c.Layers)}
	for name, to := range m.tensors() {
		if err := read(from, name, to); err != nil {
			return nil, err
		}
	}
	m.rotations()
	return m, nil
}

// tensors gives each weight its name; a vector is a matrix of one column.
func (m *Model) tensors() map[string]func(matrix) {
	matrixInto := func(to *matrix) func(matrix) { return func(x matrix) { *to = x } }
	vectorInto := func(to *[]float32) func(matrix) { return func(x matrix) { *to = x.w } }
	out := map[string]func(matrix){
		"model.embed_tokens.weight": matrixInto(&m.embedding), "model.norm.weight": vectorInto(&m.norm),
	}
	for i := range m.layers {
		l, at := &m.layers[i], fmt.Sprintf("model.layers.%d.", i)
		out[at+"input_layernorm.weight"] = vectorInto(&l.norm1)
		out[at+"post_attention_layernorm.weight"] = vectorInto(&l.norm2)
		for name, to := range map[string]*matrix{
			"self_attn.q_proj": &l.q, "self_attn.k_proj": &l.k, "self_attn.v_proj": &l.v, "self_attn.o_proj": &l.o,
			"mlp.gate_proj": &l.gate, "mlp.up_proj": &l.up, "mlp.down_proj": &l.down,
		} {
			out[at+name+".weight"] = matrixInto(to)
		}
	}
	return out
}

func read(from *hf.Model, name string, to func(matrix)) error {
	t, data, err := from.Tensor(name)
	if err != nil {
		return err
	}
	if t.DType != "F32" {
		return fmt.Errorf("%s is %s, not F32", name, t.DType)
	}
	x := matrix{out: int(t.Shape[0]), in: 1, w: make([]float32, len(data)/4)}
	if len(t.Shape) == 2 {
		x.in = int(t.Shape[1])
	}
	for i := range x.w {
		x.w[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	to(x)
	return nil
}

func (m *Model) rotations() {
	steps, _ := m.config.Frequencies(0, m.config.MaxPositions)
	for p := range m.config.MaxPositions {
		for _, step := range steps {
			angle := float64(float32(p) * float32(step))
			m.cos = append(m.cos, float32(math.Cos(angle)))
			m.sin = append(m.sin, float32(math.Sin(angle)))
		}
	}
}

// projections are the matrices that LoRA adapts, in the model's order.
func (m *Model) projections() []matrix {
	var out []matrix
	for _, l := range m.layers {
		out = append(out, l.q, l.k, l.v, l.o, l.gate, l.up, l.down)
	}
	return out
}
