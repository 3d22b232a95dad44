package decoder

import (
	"math"

	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/torch/shim"
)

// BlockWeights names the matrices of the blocks, layer by layer: those that all-linear
// LoRA adapts.
func (m *Model) BlockWeights() [][]string {
	out := make([][]string, m.Config.Layers)
	for _, module := range m.Config.Modules() {
		if !module.Head {
			out[module.Layer] = append(out[module.Layer], module.Name)
		}
	}
	return out
}

// Energy is a gradient's sum of squares by where it lies.
type Energy struct {
	Blocks     float64 // matrices of the blocks
	Embeddings float64 // token and position embeddings, and the head
	Vectors    float64 // norms and biases
}

// GradientEnergy is that of the gradients that Backward left, of a model that is
// trained whole.
func (m *Model) GradientEnergy() (Energy, error) {
	a := shim.NewArena(m.arena.Device())
	defer a.Reset()
	blocks := map[string]bool{}
	for _, layer := range m.BlockWeights() {
		for _, name := range layer {
			blocks[name+".weight"] = true
		}
	}
	var out Energy
	for _, s := range m.layout.slots {
		norm := make([]float32, 1)
		a.Floats(a.Norm(a.Strided(m.base.grad, []int64{1, s.elements()}, []int64{s.elements(), 1}, s.offset)), norm)
		energy := float64(norm[0]) * float64(norm[0])
		switch {
		case blocks[s.name]:
			out.Blocks += energy
		case s.matrix:
			out.Embeddings += energy
		default:
			out.Vectors += energy
		}
	}
	return out, a.Err()
}

// GradientValues are the singular values of a block matrix's gradient, the largest
// first.
func (m *Model) GradientValues(name string) ([]float64, error) {
	a := shim.NewArena(m.arena.Device())
	defer a.Reset()
	s := m.layout.slots[m.layout.index[name+".weight"]]
	values := a.SingularValues(a.Strided(m.base.grad, []int64{s.rows, s.cols}, []int64{s.cols, 1}, s.offset), s.rows, s.cols)
	return values, a.Err()
}

// UpdateValues are the singular values of what training has added to a block matrix of
// the model that the weights were loaded from.
func (m *Model) UpdateValues(name string, from *hf.Model) ([]float64, error) {
	a := shim.NewArena(m.arena.Device())
	defer a.Reset()
	s := m.layout.slots[m.layout.index[name+".weight"]]
	t, data, err := from.Tensor(s.name)
	if err != nil {
		return nil, err
	}
	dtype, err := dtypeOf(t.DType)
	if err != nil {
		return nil, err
	}
	size := []int64{s.rows, s.cols}
	if s.turned {
		size = []int64{s.cols, s.rows}
	}
	before := a.FromBytes(data, dtype, size...)
	if s.turned {
		before = a.Transpose2(before)
	}
	// Through the precision that the weights were loaded to: what was rounded away then
	// is no update. The difference of near numbers wants more than that.
	update := a.Cast(a.Cast(before, m.Precision.Master), shim.F32)
	a.Add(update, a.Cast(m.masterOf(a, s), shim.F32), -1)
	values := a.SingularValues(update, s.rows, s.cols)
	return values, a.Err()
}

// Spread orders n layers so that the first few of them lie far apart, whatever their
// number: both ends, then halves, quarters and so on.
func Spread(n int) []int {
	var out []int
	seen := make([]bool, n)
	add := func(at int) {
		if !seen[at] {
			seen[at] = true
			out = append(out, at)
		}
	}
	for parts := 1; len(out) < n; parts *= 2 {
		for i := 0; i <= parts; i++ {
			add(int(math.Round(float64(i) / float64(parts) * float64(n-1))))
		}
	}
	return out
}
