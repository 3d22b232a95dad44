package decoder

import (
	"fmt"
	"math"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/torch/shim"
)

// site is a module's place: which fused linear, and from which of its columns on.
type site struct {
	linear *linear
	from   int64
}

// sites finds every adaptable module of the blocks by name.
func (m *Model) sites() map[string]site {
	out := map[string]site{}
	n := namesOf(m.Config)
	for i := range m.blocks {
		b, l := &m.blocks[i], n.layer(i)
		m.place(out, &b.qkv, l.qkv)
		m.place(out, &b.out, []string{l.out})
		m.place(out, &b.up, l.up)
		m.place(out, &b.down, []string{l.down})
	}
	return out
}

func (m *Model) place(out map[string]site, l *linear, modules []string) {
	from := int64(0)
	for _, name := range modules {
		out[name] = site{l, from}
		from += m.layout.slots[m.layout.index[name+".weight"]].rows
	}
}

// adapt lays the adapters of all arms out, every A before every B, so that B may have a
// learning rate of its own, and initialises them: A Kaiming, B zero.
func (m *Model) adapt() error {
	targets, err := m.Config.Targets(m.arms[0].Method)
	if err != nil {
		return err
	}
	rank := int64(0)
	for _, arm := range m.arms {
		if arm.Method.Variant == "dora" {
			return &UnsupportedError{"LoRA variant dora", "use plain LoRA or rslora"}
		}
		if _, err := m.Config.TrainableParams(arm.Method); err != nil {
			return err
		}
		rank = max(rank, int64(arm.Method.Rank))
	}
	var sizeA, sizeB int64
	for _, t := range targets {
		sizeA += rank * int64(t.In)
		sizeB += rank * int64(t.Out)
	}
	m.adapters = newFlat(m.arena, int64(len(m.arms)), sizeA+sizeB, sizeA, m.Precision.adapters())
	return m.attach(targets, rank)
}

// UnsupportedError reports a method that the decoder cannot train.
type UnsupportedError struct{ What, Advice string }

// Error implements error.
func (e *UnsupportedError) Error() string { return e.What + " is not trained by this engine" }

// Hint says what to do instead.
func (e *UnsupportedError) Hint() string { return e.Advice }

// adapters keeps LoRA's weights in fp32 beside a bf16 base, as PEFT does.
func (p Precision) adapters() Precision { return Precision{p.Compute, p.Master} }

func (m *Model) attach(targets []hf.Module, rank int64) error {
	sites := m.sites()
	scale, scales := m.scales()
	offsetA, offsetB := int64(0), m.adapters.matrices
	for _, t := range targets {
		place, ok := sites[t.Name]
		if !ok {
			return fmt.Errorf("%s: module is not in a block", t.Name)
		}
		in, out := int64(t.In), int64(t.Out)
		place.linear.adapters = append(place.linear.adapters, adapter{
			name: t.Name, from: place.from, out: out, in: in, rank: rank, scale: scale, scales: scales, dropout: m.arms[0].Method.Dropout,
			a: m.adapterView(rank, in, offsetA), b: m.adapterView(out, rank, offsetB),
		})
		offsetA += rank * in
		offsetB += out * rank
	}
	return m.initialise()
}

func (m *Model) adapterView(rows, cols, offset int64) param {
	size, stride := []int64{m.adapters.arms, rows, cols}, []int64{m.adapters.elements, cols, 1}
	if m.adapters.arms == 1 {
		size, stride = size[1:], stride[1:]
	}
	return param{m.arena.Strided(m.adapters.work, size, stride, offset), m.arena.Strided(m.adapters.grad, size, stride, offset)}
}

// scales are alpha/r, or alpha/sqrt(r) for rank-stabilised LoRA (arXiv 2312.03732); on
// the device only where arms may differ.
func (m *Model) scales() ([]float64, shim.Tensor) {
	var scale []float64
	var host []float32
	for _, arm := range m.arms {
		s := Scale(arm.Method)
		scale = append(scale, s)
		host = append(host, float32(s))
	}
	if len(m.arms) == 1 {
		return scale, shim.Tensor{}
	}
	wide := m.arena.FromFloat32(host, int64(len(host)))
	return scale, m.arena.Cast(wide, m.Precision.Compute)
}

// Scale is what LoRA's product is multiplied by.
func Scale(m evidence.Method) float64 {
	if m.Variant == "rslora" {
		return m.Alpha / math.Sqrt(float64(m.Rank))
	}
	return m.Alpha / float64(m.Rank)
}

// initialise fills each arm's A from its seed, in the order of the modules. An arm of
// smaller rank than the pack's keeps zero rows, which stay zero: their gradients are.
func (m *Model) initialise() error {
	for k, arm := range m.arms {
		if err := shim.Seed(arm.Seed); err != nil {
			return err
		}
		for _, ad := range m.allAdapters() {
			a := m.masterA(ad, int64(k), int64(arm.Method.Rank))
			m.arena.KaimingUniform(a, ad.in)
			m.arena.Drop(a)
		}
	}
	m.adapters.publish(m.arena)
	return m.arena.Err()
}

// placed is an adapter with its offsets in an arm's elements.
type placed struct {
	*adapter
	offsetA, offsetB int64
}

// allAdapters lists the adapters in the order in which they were laid out.
func (m *Model) allAdapters() []placed {
	byName := map[string]*adapter{}
	for i := range m.blocks {
		for _, l := range []*linear{&m.blocks[i].qkv, &m.blocks[i].out, &m.blocks[i].up, &m.blocks[i].down} {
			for j := range l.adapters {
				byName[l.adapters[j].name] = &l.adapters[j]
			}
		}
	}
	var out []placed
	offsetA, offsetB := int64(0), m.adapters.matrices
	for _, module := range m.Config.Modules() {
		ad, ok := byName[module.Name]
		if !ok {
			continue
		}
		out = append(out, placed{ad, offsetA, offsetB})
		offsetA += ad.rank * ad.in
		offsetB += ad.out * ad.rank
	}
	return out
}

// masterA is the first rows of an arm's A in master precision: [rows, in].
func (m *Model) masterA(ad placed, arm, rows int64) shim.Tensor {
	return m.arena.Strided(m.adapters.master, []int64{rows, ad.in}, []int64{ad.in, 1}, arm*m.adapters.elements+ad.offsetA)
}

// masterB is the first columns of an arm's B in master precision: [out, columns].
func (m *Model) masterB(ad placed, arm, columns int64) shim.Tensor {
	return m.arena.Strided(m.adapters.master, []int64{ad.out, columns}, []int64{ad.rank, 1}, arm*m.adapters.elements+ad.offsetB)
}
