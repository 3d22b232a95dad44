package decoder

import (
	"fmt"

	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/torch/shim"
)

// Load copies a model folder's weights in.
func (m *Model) Load(from *hf.Model) error {
	for _, s := range m.layout.slots {
		t, data, err := from.Tensor(s.name)
		if err != nil {
			return err
		}
		dtype, err := dtypeOf(t.DType)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", s.name, err)
		}
		m.fill(s, data, dtype)
	}
	return m.published()
}

// fill writes one parameter, given as it lies in a file.
func (m *Model) fill(s slot, data []byte, dtype shim.DType) {
	a := shim.NewArena(m.arena.Device())
	defer a.Reset()
	size := []int64{s.rows, s.cols}
	if s.turned {
		size = []int64{s.cols, s.rows}
	}
	t := a.FromBytes(data, dtype, size...)
	if s.turned {
		t = a.Transpose2(t)
	}
	a.Copy(m.masterOf(a, s), t)
	m.arena.Fail(a.Err())
}

// masterOf views a parameter where it is kept: [rows, cols].
func (m *Model) masterOf(a *shim.Arena, s slot) shim.Tensor {
	at := m.frozen
	if m.base != nil {
		at = m.base.master
	}
	return a.Strided(at, []int64{s.rows, s.cols}, []int64{s.cols, 1}, s.offset)
}

// published follows the base model's weights: what is trained beside them starts there.
func (m *Model) published() error {
	if m.base != nil {
		m.base.publish(m.arena)
	}
	if m.adapters != nil {
		m.startWhole(m.arena)
		m.startMagnitudes(m.arena)
		m.adapters.publish(m.arena)
	}
	return m.arena.Err()
}

func dtypeOf(name string) (shim.DType, error) {
	switch name {
	case "F32":
		return shim.F32, nil
	case "F16":
		return shim.F16, nil
	case "BF16":
		return shim.BF16, nil
	case "F64":
		return shim.F64, nil
	}
	return 0, fmt.Errorf("dtype %s is not supported for weights", name)
}

// Randomise fills the weights as an untrained model's are: matrices normal with the
// config's deviation, norms one (or zero where one is added), biases zero.
func (m *Model) Randomise(seed int64) error {
	if err := shim.Seed(seed); err != nil {
		return err
	}
	std := m.Config.InitRange
	if std == 0 {
		std = 0.02
	}
	for _, s := range m.layout.slots {
		t := m.masterOf(m.arena, s)
		switch {
		case s.matrix:
			m.arena.Normal(t, std)
		case isBias(s.name) || m.Config.NormPlusOne:
			m.arena.Zero(t)
		default:
			m.arena.Fill(t, 1)
		}
		m.arena.Drop(t)
	}
	return m.published()
}

func isBias(name string) bool { return len(name) > 5 && name[len(name)-5:] == ".bias" }
