package decoder

import (
	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/torch/shim"
)

// wholeModule is a table of the base model that an arm of LoRA trains whole, PEFT's
// modules_to_save: a copy beside the adapters. Where the head is tied, embedding and head
// part here, as in PEFT.
type wholeModule struct {
	slot   slot // its place in the base model, whose shape it shares
	name   string
	offset int64 // in an arm's elements
}

// layWhole places the tables from an offset on and returns the offset after them.
func (m *Model) layWhole(tables []hf.Parameter, from int64) ([]wholeModule, int64) {
	var out []wholeModule
	for _, p := range tables {
		name := p.Name
		if _, ok := m.layout.index[name]; !ok {
			name = namesOf(m.Config).embedding // a tied head
		}
		s := m.layout.slots[m.layout.index[name]]
		from = (from + alignment - 1) / alignment * alignment
		out = append(out, wholeModule{s, p.Name, from})
		from += s.elements() + s.spare*s.cols
	}
	return out, from
}

// attachWhole lets embedding, positions and head read the trained copies.
func (m *Model) attachWhole(tables []wholeModule) {
	m.whole = tables
	n := namesOf(m.Config)
	for _, w := range tables {
		switch w.name {
		case n.embedding:
			m.embedding = m.adapterView(w.slot.rows, w.slot.cols, w.offset)
		case n.positions:
			m.positions = m.adapterView(w.slot.rows, w.slot.cols, w.offset)
		default:
			m.head = m.adapterView(w.slot.rows+w.slot.spare, w.slot.cols, w.offset)
		}
	}
}

// startWhole copies the base model's tables, where training starts.
func (m *Model) startWhole(a *shim.Arena) {
	for _, w := range m.whole {
		to, from := m.masterWhole(w), m.masterOf(a, w.slot)
		a.Copy(to, from)
		m.arena.Drop(to)
		a.Drop(from)
	}
}

// masterWhole is a table in master precision, without its spare rows.
func (m *Model) masterWhole(w wholeModule) shim.Tensor {
	return m.arena.Strided(m.adapters.master, []int64{w.slot.rows, w.slot.cols}, []int64{w.slot.cols, 1}, w.offset)
}
