package decoder

import (
	"fmt"
	"slices"

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
		data := make([]byte, f.elements*int64(f.dtype.Size()))
		m.arena.Bytes(t, data)
		m.arena.Drop(t)
		out = append(out, safetensors.Source{Name: part.name, DType: fileDType(f.dtype), Shape: []int64{f.elements}, Data: data})
	}
	return out, m.arena.Err()
}

// SetState is State's inverse.
func (m *Model) SetState(arm int, from *safetensors.File) error {
	f := m.trained()
	for _, part := range f.stateParts() {
		t, ok := from.Lookup(part.name)
		if !ok || t.Shape[0] != f.elements || t.DType != fileDType(f.dtype) {
			return fmt.Errorf("checkpoint: %s is missing or of another model", part.name)
		}
		data, err := from.Bytes(t)
		if err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
		to, src := f.part(m.arena, part.t, int64(arm), 0, f.elements), m.arena.FromBytes(data, f.dtype, f.elements)
		m.arena.Copy(to, src)
		m.arena.Drop(to, src)
	}
	f.publish(m.arena)
	m.renorm(m.arena)
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

// Adapter copies what an arm trained out, fp32, as module.lora_A.weight [r, in],
// module.lora_B.weight [out, r], module.lora_magnitude_vector [out] for DoRA, and modules
// trained whole under their own names.
func (m *Model) Adapter(arm int) ([]safetensors.Source, error) {
	var out []safetensors.Source
	for _, part := range m.adapterParts(int64(arm)) {
		out = append(out, m.adapterSource(part))
	}
	return out, m.arena.Err()
}

// adapterPart is one tensor of an adapter's file, in master precision.
type adapterPart struct {
	name string
	t    shim.Tensor
	size []int64
}

func (m *Model) adapterParts(arm int64) []adapterPart {
	rank := int64(m.arms[arm].Method.Rank)
	var out []adapterPart
	for _, ad := range m.allAdapters() {
		out = append(out,
			adapterPart{ad.name + ".lora_A.weight", m.masterA(ad, arm, rank), []int64{rank, ad.in}},
			adapterPart{ad.name + ".lora_B.weight", m.masterB(ad, arm, rank), []int64{ad.out, rank}})
		if ad.magnitude != nil {
			out = append(out, adapterPart{ad.name + ".lora_magnitude_vector", m.adapters.part(m.arena, m.adapters.master, arm, ad.offsetM, ad.out), []int64{ad.out}})
		}
	}
	for _, w := range m.whole {
		out = append(out, adapterPart{w.name, m.masterWhole(w), []int64{w.slot.rows, w.slot.cols}})
	}
	return out
}

func (m *Model) adapterSource(p adapterPart) safetensors.Source {
	wide := m.arena.Cast(p.t, shim.F32)
	data := make([]byte, 4*elementsOf(p.size))
	m.arena.Bytes(wide, data)
	m.arena.Drop(wide, p.t)
	return safetensors.Source{Name: p.name, DType: "F32", Shape: p.size, Data: data}
}

func elementsOf(size []int64) int64 {
	n := int64(1)
	for _, d := range size {
		n *= d
	}
	return n
}

// SetAdapter overwrites what an arm trains by tensors named as Adapter names them.
func (m *Model) SetAdapter(arm int, tensors []safetensors.Source) error {
	byName := map[string]safetensors.Source{}
	for _, t := range tensors {
		byName[t.Name] = t
	}
	for _, part := range m.adapterParts(int64(arm)) {
		if err := m.setPart(part, byName[part.name]); err != nil {
			return fmt.Errorf("adapter: %s: %w", part.name, err)
		}
	}
	m.adapters.publish(m.arena)
	m.renorm(m.arena)
	return m.arena.Err()
}

func (m *Model) setPart(to adapterPart, from safetensors.Source) error {
	if !slices.Equal(from.Shape, to.size) {
		return fmt.Errorf("is %v, wanted %v", from.Shape, to.size)
	}
	dtype, err := dtypeOf(from.DType)
	if err != nil {
		return err
	}
	src := m.arena.FromBytes(from.Data, dtype, to.size...)
	m.arena.Copy(to.t, src)
	m.arena.Drop(to.t, src)
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
