package decoder

import (
	"fmt"

	"ftadvise/calibrate/torch/shim"
)

// Precision is how numbers are kept.
type Precision struct {
	Compute shim.DType // weights and activations in products
	Master  shim.DType // trained weights, gradients and optimiser states
}

// ParsePrecision reads fp32, bf16 (fp32 master weights) or bf16-pure.
func ParsePrecision(name string) (Precision, error) {
	switch name {
	case "fp32":
		return Precision{shim.F32, shim.F32}, nil
	case "bf16":
		return Precision{shim.BF16, shim.F32}, nil
	case "bf16-pure":
		return Precision{shim.BF16, shim.BF16}, nil
	}
	return Precision{}, fmt.Errorf("precision %q is not fp32, bf16 or bf16-pure", name)
}

// param is one weight with its gradient; a frozen one has none.
type param struct{ w, grad shim.Tensor }

func (p param) trained() bool { return !p.grad.Nil() }

// flat is a trainable set of parameters: K arms of elements values each. work is what
// products read; it is master itself where the precision is one.
type flat struct {
	arms, elements, matrices int64
	dtype                    shim.DType  // of all but work
	work, master             shim.Tensor // [K, elements]
	grad, m, v               shim.Tensor
}

func newFlat(a *shim.Arena, arms, elements, matrices int64, p Precision) *flat {
	f := &flat{arms: arms, elements: elements, matrices: matrices, dtype: p.Master}
	f.master = a.Zeros(p.Master, arms, elements)
	f.work = f.master
	if p.Compute != p.Master {
		f.work = a.Zeros(p.Compute, arms, elements)
	}
	f.grad = a.Zeros(p.Master, arms, elements)
	f.m = a.Zeros(p.Master, arms, elements)
	f.v = a.Zeros(p.Master, arms, elements)
	return f
}

// Values is the number of values that are trained, of all arms.
func (m *Model) Values() int64 { return m.trained().arms * m.trained().elements }

// publish copies the master weights to where products read them.
func (f *flat) publish(a *shim.Arena) {
	if f.work != f.master {
		a.Copy(f.work, f.master)
	}
}

// part views one arm's range of a [K, elements] buffer, flat.
func (f *flat) part(a *shim.Arena, t shim.Tensor, arm, from, n int64) shim.Tensor {
	return a.Strided(t, []int64{n}, []int64{1}, arm*f.elements+from)
}
