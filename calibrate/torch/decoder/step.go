package decoder

import (
	"math"
	"unsafe"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/torch/shim"
)

// scalarsOfHalf are what AdamW reads of a half of an arm: rate, two corrections of the
// moments' bias, step, decay.
const scalarsOfHalf = 5

// Schedule brings to the device what differs from one optimiser step to the next, so
// that a captured step finds it there.
type Schedule struct {
	arena  *shim.Arena
	stage  *shim.Stage
	device shim.Tensor // [K, 2, 5]
}

// NewSchedule makes room for the arms of a model.
func (m *Model) NewSchedule() (*Schedule, error) {
	s := &Schedule{arena: shim.NewArena(m.arena.Device())}
	n := m.trained().arms * 2 * scalarsOfHalf
	var err error
	if s.stage, err = shim.NewStage(m.arena.Device(), int(4*n), feedSlots); err != nil {
		return nil, err
	}
	s.device = s.arena.Zeros(shim.F32, n)
	if err := s.arena.Err(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close frees host and device memory; the device's work must be done.
func (s *Schedule) Close() {
	if s == nil {
		return
	}
	s.arena.Reset()
	s.stage.Free()
}

// SetStep tells the schedule the coming step, counted from 1, and the arms' learning
// rates. Matrices decay and vectors do not; for LoRA both halves do, A with modules trained
// whole, and B with magnitudes, which may have a rate of their own (LoRA+, in the groups
// that PEFT makes).
func (m *Model) SetStep(a *shim.Arena, s *Schedule, step int, rates []float64, o evidence.Optimizer) {
	room, err := s.stage.Room()
	if err != nil {
		a.Fail(err)
		return
	}
	scalars := unsafe.Slice((*float32)(unsafe.Pointer(&room[0])), len(room)/4)[:0]
	for arm, rate := range rates {
		second, decay := rate, 0.0
		if m.base == nil {
			decay = o.WeightDecay
			if ratio := m.arms[arm].Method.RateRatioBA; ratio > 0 {
				second *= ratio
			}
		}
		scalars = appendHalf(scalars, step, rate, o.WeightDecay, o)
		scalars = appendHalf(scalars, step, second, decay, o)
	}
	a.Send(s.stage, s.device, len(room))
}

func appendHalf(to []float32, step int, rate, decay float64, o evidence.Optimizer) []float32 {
	t := float64(step)
	return append(to, float32(rate), float32(1-math.Pow(o.Beta1, t)), float32(1-math.Pow(o.Beta2, t)), float32(step), float32(decay))
}

// Step updates what is trained from the gradients, as the schedule was told last. It
// returns the gradients' norms before clipping, [K].
func (m *Model) Step(a *shim.Arena, s *Schedule, o evidence.Optimizer) shim.Tensor {
	f := m.trained()
	norms := a.Norm(f.grad)
	m.update(a, s, o, norms, 0, f.elements)
	m.renorm(a)
	return norms
}

// update is AdamW on some of every arm's elements.
func (m *Model) update(a *shim.Arena, s *Schedule, o evidence.Optimizer, norms shim.Tensor, from, to int64) {
	f := m.trained()
	step := shim.AdamW{
		Param: f.master, Grad: f.grad, M: f.m, V: f.v, Norms: norms, Scalars: a.View(s.device, f.arms, 2, scalarsOfHalf),
		Matrices: f.matrices, From: from, To: to, Limit: o.ClipNorm, Beta1: o.Beta1, Beta2: o.Beta2, Eps: o.Epsilon,
	}
	if f.work != f.master {
		step.Work = f.work
	}
	a.AdamWStep(step)
	a.Drop(step.Scalars)
}

func (m *Model) trained() *flat {
	if m.base != nil {
		return m.base
	}
	return m.adapters
}
