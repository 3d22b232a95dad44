package decoder

import (
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/torch/shim"
)

// SetMerging lets passes multiply by W + scale B A of each adapted layer, which is made once
// a step: what the adapters add then costs a pass nothing, on the way there or back, and what
// is left of them are their own gradients. It takes as much memory as the adapted weights
// and serves one arm of plain LoRA without dropout, fp32 on a CPU.
func (m *Model) SetMerging(on bool) {
	plain := len(m.arms) == 1 && m.arms[0].Method.Variant != evidence.DoRA && m.arms[0].Method.Dropout == 0
	on = on && plain && m.arena.Device() == shim.CPU && m.Precision.Compute == shim.F32
	m.merging = on
	for i := range m.blocks {
		for _, l := range m.blocks[i].linears() {
			m.arena.Drop(l.merged)
			l.merged = shim.Tensor{}
			if on && len(l.adapters) > 0 {
				l.merged = m.arena.EmptyLike(l.w.w)
			}
		}
	}
	m.merge(m.arena, 0, len(m.blocks))
}

// Merges is the number of values that merging would keep.
func (m *Model) Merges() int64 {
	n := int64(0)
	for i := range m.blocks {
		for _, l := range m.blocks[i].linears() {
			if len(l.adapters) > 0 {
				n += l.out * l.in
			}
		}
	}
	return n
}

// merge makes the merged weights of some blocks anew, after a change of A or B.
func (m *Model) merge(a *shim.Arena, from, to int) {
	for i := from; i < to; i++ {
		for _, l := range m.blocks[i].linears() {
			if !l.merged.Nil() {
				a.LoRAMerge(l.w.w, l.lowRanks(), l.adapters[0].scale[0], l.merged)
			}
		}
	}
}

func (b *block) linears() []*linear { return []*linear{&b.qkv, &b.out, &b.up, &b.down} }
