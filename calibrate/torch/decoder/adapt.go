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

// adapt lays what LoRA trains out in two parts, which may have learning rates of their
// own: every A and the modules trained whole, then every B and DoRA's magnitudes. A starts
// Kaiming, B zero, the others where the base model is.
func (m *Model) adapt() error {
	targets, err := m.Config.Targets(m.arms[0].Method)
	if err != nil {
		return err
	}
	whole, err := m.Config.WholeModules(m.arms[0].Method)
	if err != nil {
		return err
	}
	if err := m.checkArms(); err != nil {
		return err
	}
	l := m.lay(targets, whole)
	m.adapters = newFlat(m.arena, int64(len(m.arms)), l.total, l.b, m.Precision.adapters())
	if err := m.attach(targets, l); err != nil {
		return err
	}
	for i := range m.blocks {
		for _, l := range m.blocks[i].linears() {
			m.stack(l)
		}
	}
	m.attachWhole(l.whole)
	if m.arms[0].Method.Variant == evidence.DoRA {
		m.dora = m.allAdapters()
	}
	return m.initialise()
}

// checkArms refuses what no model trains, and arms that do not go into one pass.
func (m *Model) checkArms() error {
	first := m.arms[0].Method
	for _, arm := range m.arms {
		if _, err := m.Config.TrainableParams(arm.Method); err != nil {
			return err
		}
		if err := m.Config.CheckTrained(arm.Method); err != nil {
			return err
		}
		if (arm.Method.Variant == evidence.DoRA) != (first.Variant == evidence.DoRA) {
			return &UnsupportedError{"DoRA beside another variant in one pass", "train them one after another"}
		}
	}
	if first.ModulesToSave != "" && len(m.arms) > 1 {
		return &UnsupportedError{"several arms with modules_to_save in one pass", "train them one after another"}
	}
	return nil
}

// adapterLayout says where in an arm's elements each kind of values begins.
type adapterLayout struct {
	rank                 int64 // the pack's largest
	whole                []wholeModule
	b, magnitudes, total int64
}

func (m *Model) lay(targets []hf.Module, whole []hf.Parameter) adapterLayout {
	var l adapterLayout
	for _, arm := range m.arms {
		l.rank = max(l.rank, int64(arm.Method.Rank))
	}
	for _, t := range targets {
		l.b += l.rank * int64(t.In)
	}
	l.whole, l.b = m.layWhole(whole, l.b)
	l.magnitudes = l.b
	for _, t := range targets {
		l.magnitudes += l.rank * int64(t.Out)
	}
	l.total = l.magnitudes
	if m.arms[0].Method.Variant == evidence.DoRA {
		for _, t := range targets {
			l.total += int64(t.Out)
		}
	}
	return l
}

// UnsupportedError reports a method that the decoder cannot train.
type UnsupportedError struct{ What, Advice string }

// Error implements error.
func (e *UnsupportedError) Error() string { return e.What + " is not trained by this engine" }

// Hint says what to do instead.
func (e *UnsupportedError) Hint() string { return e.Advice }

// adapters keeps LoRA's weights in fp32 beside a bf16 base, as PEFT does
// (autocast_adapter_dtype).
func (p Precision) adapters() Precision { return Precision{p.Compute, shim.F32} }

func (m *Model) attach(targets []hf.Module, l adapterLayout) error {
	sites := m.sites()
	scale, scales := m.scales()
	offsetA, offsetB, offsetM := int64(0), l.b, l.magnitudes
	for _, t := range targets {
		place, ok := sites[t.Name]
		if !ok {
			return fmt.Errorf("%s: module is not in a block", t.Name)
		}
		in, out := int64(t.In), int64(t.Out)
		ad := adapter{
			name: t.Name, from: place.from, out: out, in: in, rank: l.rank, scale: scale, scales: scales, dropout: m.arms[0].Method.Dropout,
			a: m.adapterView(l.rank, in, offsetA), b: m.adapterView(out, l.rank, offsetB), offsetA: offsetA, offsetB: offsetB, offsetM: offsetM,
		}
		if m.arms[0].Method.Variant == evidence.DoRA {
			ad.magnitude = m.newMagnitude(place, &ad)
			offsetM += out
		}
		place.linear.adapters = append(place.linear.adapters, ad)
		offsetA += l.rank * in
		offsetB += out * l.rank
	}
	return nil
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
	if m.Variant == evidence.RsLoRA {
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

// allAdapters lists the adapters in the order in which they were laid out.
func (m *Model) allAdapters() []*adapter {
	byName := map[string]*adapter{}
	for i := range m.blocks {
		for _, l := range m.blocks[i].linears() {
			for j := range l.adapters {
				byName[l.adapters[j].name] = &l.adapters[j]
			}
		}
	}
	var out []*adapter
	for _, module := range m.Config.Modules() {
		if ad, ok := byName[module.Name]; ok {
			out = append(out, ad)
		}
	}
	return out
}

// masterA is the first rows of an arm's A in master precision: [rows, in].
func (m *Model) masterA(ad *adapter, arm, rows int64) shim.Tensor {
	return m.arena.Strided(m.adapters.master, []int64{rows, ad.in}, []int64{ad.in, 1}, arm*m.adapters.elements+ad.offsetA)
}

// masterB is the first columns of an arm's B in master precision: [out, columns].
func (m *Model) masterB(ad *adapter, arm, columns int64) shim.Tensor {
	return m.arena.Strided(m.adapters.master, []int64{ad.out, columns}, []int64{ad.rank, 1}, arm*m.adapters.elements+ad.offsetB)
}
