package decoder

import (
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/torch/shim"
)

// Step updates what is trained from the gradients: step counts from 1, rates are the
// arms' learning rates. It returns the gradients' norms before clipping, [K].
func (m *Model) Step(a *shim.Arena, step int, rates []float64, o evidence.Optimizer) shim.Tensor {
	f := m.trained()
	norms := a.Norm(f.grad)
	var factors shim.Tensor
	if o.ClipNorm > 0 {
		factors = a.ClipFactor(norms, o.ClipNorm)
	}
	for arm, rate := range rates {
		m.stepArm(a, f, int64(arm), factors, shim.AdamW{Step: step, LearningRate: rate, Beta1: o.Beta1, Beta2: o.Beta2, Eps: o.Epsilon, Weight: o.WeightDecay})
	}
	a.Drop(factors)
	f.publish(a)
	m.renorm(a)
	return norms
}

func (m *Model) trained() *flat {
	if m.base != nil {
		return m.base
	}
	return m.adapters
}

// stepArm updates the two halves of an arm's elements: matrices with weight decay and
// vectors without; for LoRA, A with modules trained whole, and B with magnitudes, which may
// have a rate of their own (LoRA+, in the groups that PEFT makes).
func (m *Model) stepArm(a *shim.Arena, f *flat, arm int64, factors shim.Tensor, s shim.AdamW) {
	var factor shim.Tensor
	if !factors.Nil() {
		factor = a.Narrow(factors, 0, arm, 1)
	}
	second := s
	if m.base != nil {
		second.Weight = 0
	} else if ratio := m.arms[arm].Method.RateRatioBA; ratio > 0 {
		second.LearningRate *= ratio
	}
	m.stepRange(a, f, arm, 0, f.matrices, factor, s)
	m.stepRange(a, f, arm, f.matrices, f.elements-f.matrices, factor, second)
	a.Drop(factor)
}

func (m *Model) stepRange(a *shim.Arena, f *flat, arm, from, n int64, factor shim.Tensor, s shim.AdamW) {
	p, g := f.part(a, f.master, arm, from, n), f.part(a, f.grad, arm, from, n)
	m1, v := f.part(a, f.m, arm, from, n), f.part(a, f.v, arm, from, n)
	a.AdamWStep(p, g, m1, v, factor, s)
	a.Drop(p, g, m1, v)
}
