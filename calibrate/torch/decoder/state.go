package decoder

import (
	"fmt"

	"ftadvise/calibrate/safetensors"
	"ftadvise/calibrate/torch/shim"
)

// State copies what an arm's training has made, for a checkpoint: master weights and
// both moments.
func (m *Model) State(arm int) ([]safetensors.Source, error) {
	f := m.trained()
	var out []safetensors.Source
	for _, part := range f.stateParts() {
		t := f.part(m.arena, part.t, int64(arm), 0, f.elements)
		data := make([]byte, f.elements*int64(m.Precision.Master.Size()))
		m.arena.Bytes(t, data)
		m.arena.Drop(t)
		out = append(out, safetensors.Source{Name: part.name, DType: fileDType(m.Precision.Master), Shape: []int64{f.elements}, Data: data})
	}
	return out, m.arena.Err()
}

// SetState is State's inverse.
func (m *Model) SetState(arm int, from *safetensors.File) error {
	f := m.trained()
	for _, part := range f.stateParts() {
		t, ok := from.Lookup(part.name)
		if !ok || t.Shape[0] != f.elements || t.DType != fileDType(m.Precision.Master) {
			return fmt.Errorf("checkpoint: %s is missing or of another model", part.name)
		}
		data, err := from.Bytes(t)
		if err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
		to, src := f.part(m.arena, part.t, int64(arm), 0, f.elements), m.arena.FromBytes(data, m.Precision.Master, f.elements)
		m.arena.Copy(to, src)
		m.arena.Drop(to, src)
	}
	f.publish(m.arena)
	return m.arena.Err()
}

type statePart struct {
	name string
	t    shim.Tensor
}

func (f *flat) stateParts() []statePart {
	return []statePart{{"master", f.master}, {"exp_avg", f.m}, {"exp_avg_sq", f.v}}
}

func fileDType(d shim.DType) string {
	if d == shim.BF16 {
		return "BF16"
	}
	return "F32"
}

// Weights copies the base model out under its files' names and shapes.
func (m *Model) Weights() ([]safetensors.Source, error) {
	dtype := m.Precision.Compute
	if m.base != nil {
		dtype = m.Precision.Master
	}
	var out []safetensors.Source
	for _, s := range m.layout.slots {
		a := shim.NewArena(m.arena.Device())
		t := m.masterOf(a, s)
		shape := []int64{s.rows, s.cols}
		if s.turned {
			t, shape = a.Transpose2(t), []int64{s.cols, s.rows}
		}
		if !s.matrix {
			shape = []int64{s.cols}
		}
		data := make([]byte, s.elements()*int64(dtype.Size()))
		a.Bytes(t, data)
		err := a.Err()
		a.Reset()
		if err != nil {
			return nil, err
		}
		out = append(out, safetensors.Source{Name: s.name, DType: fileDType(dtype), Shape: shape, Data: data})
	}
	return out, nil
}

// Adapter copies an arm's A and B out, fp32, as module.lora_A.weight [r, in] and
// module.lora_B.weight [out, r].
func (m *Model) Adapter(arm int) ([]safetensors.Source, error) {
	rank := int64(m.arms[arm].Method.Rank)
	var out []safetensors.Source
	for _, ad := range m.allAdapters() {
		out = append(out,
			m.adapterSource(ad.name+".lora_A.weight", m.masterA(ad, int64(arm), rank), rank, ad.in),
			m.adapterSource(ad.name+".lora_B.weight", m.masterB(ad, int64(arm), rank), ad.out, rank))
	}
	return out, m.arena.Err()
}

func (m *Model) adapterSource(name string, t shim.Tensor, rows, cols int64) safetensors.Source {
	wide := m.arena.Cast(t, shim.F32)
	data := make([]byte, 4*rows*cols)
	m.arena.Bytes(wide, data)
	if wide != t {
		m.arena.Drop(wide)
	}
	m.arena.Drop(t)
	return safetensors.Source{Name: name, DType: "F32", Shape: []int64{rows, cols}, Data: data}
}

// SetAdapter overwrites an arm's A and B by tensors named as Adapter names them.
func (m *Model) SetAdapter(arm int, tensors []safetensors.Source) error {
	byName := map[string][]byte{}
	for _, t := range tensors {
		byName[t.Name] = t.Data
	}
	rank := int64(m.arms[arm].Method.Rank)
	for _, ad := range m.allAdapters() {
		if err := m.setPart(m.masterA(ad, int64(arm), rank), byName[ad.name+".lora_A.weight"], rank, ad.in); err != nil {
			return fmt.Errorf("adapter of %s: A: %w", ad.name, err)
		}
		if err := m.setPart(m.masterB(ad, int64(arm), rank), byName[ad.name+".lora_B.weight"], ad.out, rank); err != nil {
			return fmt.Errorf("adapter of %s: B: %w", ad.name, err)
		}
	}
	m.adapters.publish(m.arena)
	return m.arena.Err()
}

func (m *Model) setPart(to shim.Tensor, data []byte, rows, cols int64) error {
	if int64(len(data)) != 4*rows*cols {
		return fmt.Errorf("%d bytes for %d by %d values", len(data), rows, cols)
	}
	src := m.arena.FromBytes(data, shim.F32, rows, cols)
	m.arena.Copy(to, src)
	m.arena.Drop(to, src)
	return nil
}

// Trainable counts the values that one arm trains; padding is not among them.
func (m *Model) Trainable(arm int) int64 {
	if m.base != nil {
		return m.Config.Params()
	}
	n, err := m.Config.TrainableParams(m.arms[arm].Method)
	if err != nil {
		return 0 // refused by NewLoRA before
	}
	return n
}
