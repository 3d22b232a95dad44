package decoder

import "ftadvise/calibrate/torch/shim"

// lowRank takes all adapters of a layer in one call where the shim has such a call:
// plain LoRA without dropout, fp32 on a CPU. The single products of adapter.forward
// serve the rest; on a CPU they would spend most of their time reading memory again.
func (l *linear) lowRank(a *shim.Arena, x, residual shim.Tensor, train bool) (shim.Tensor, tapedLinear) {
	if len(l.adapters) == 0 || l.adapters[0].dropout > 0 || a.Device() != shim.CPU {
		return shim.Tensor{}, tapedLinear{}
	}
	if !train && !l.merged.Nil() {
		return a.Linear(x, l.merged, l.bias.w, residual), tapedLinear{}
	}
	y, low := a.LoRA(x, l.w.w, l.merged, l.bias.w, residual, l.lowRanks(), l.adapters[0].scale)
	return y, tapedLinear{joint: low}
}

func (l *linear) lowRanks() []shim.LowRank {
	out := make([]shim.LowRank, len(l.adapters))
	for i := range l.adapters {
		ad := &l.adapters[i]
		out[i] = shim.LowRank{A: ad.a.w, B: ad.b.w, DA: ad.a.grad, DB: ad.b.grad, From: ad.from, Out: ad.out}
	}
	return out
}
