package torch

import (
	"fmt"

	"ftadvise/calibrate/torch/decoder"
	"ftadvise/calibrate/torch/shim"
)

// statics are the tensors that stay where they are from step to step: a captured step
// reads the batch and the schedule there, and leaves loss and gradient norms.
type statics struct {
	feed     *decoder.Feed
	schedule *decoder.Schedule
	loss     shim.Tensor   // [K] fp64
	norms    shim.Tensor   // [K] fp32
	parts    []shim.Tensor // of loss, of each lane: [K], or its own arms'

	arena *shim.Arena
	arms  int
	ring  shim.Tensor      // [steps, 2, K] fp64: what is read back together
	slots [][2]shim.Tensor // each step's losses and norms in the ring
}

// prepare makes what the run's steps share, once the model is there.
func (r *run) prepare() error {
	var err error
	if r.statics, err = r.newStatics(); err != nil {
		return fmt.Errorf("making the batches: %w", err)
	}
	if err := r.chooseAttention(); err != nil {
		return err
	}
	r.graphs = r.newGraphs()
	return nil
}

func (r *run) newStatics() (*statics, error) {
	k := int64(len(r.arms))
	s := &statics{arena: shim.NewArena(r.device), arms: len(r.arms)}
	var err error
	if s.feed, err = decoder.NewFeed(r.device, sequencesOf(r.pack.Train), r.group.MicroBatch, len(r.arms)); err != nil {
		return s, err
	}
	if s.schedule, err = r.decoder.NewSchedule(); err != nil {
		return s, err
	}
	s.loss, s.norms = s.arena.Zeros(shim.F64, k), s.arena.Zeros(shim.F32, k)
	s.ring = s.arena.Zeros(shim.F64, int64(r.every), 2, k)
	for i := range int64(r.every) {
		part := func(j int64) shim.Tensor { return s.arena.Strided(s.ring, []int64{k}, []int64{1}, (2*i+j)*k) }
		s.slots = append(s.slots, [2]shim.Tensor{part(0), part(1)})
	}
	return s, s.arena.Err()
}

// divide makes room for what each lane finds of the loss: its arms' place in it, or, of
// lanes with sequences of their own, the first has the whole and the others a sum each.
func (s *statics) divide(lanes *decoder.Lanes) error {
	for _, part := range s.parts {
		if part != s.loss {
			s.arena.Drop(part)
		}
	}
	s.parts = nil
	return lanes.InTurn(func(i int, lane *decoder.Lane) {
		part := s.loss
		switch {
		case lanes.ByArms():
			part = s.arena.Narrow(s.loss, 0, int64(lane.From), int64(lane.To-lane.From))
		case i > 0:
			part = s.arena.Zeros(shim.F64, int64(s.arms))
		}
		s.parts = append(s.parts, part)
		lane.Arena.Fail(s.arena.Err())
	})
}

// total adds up what lanes of sequences found.
func (s *statics) total(a *shim.Arena, lanes *decoder.Lanes) {
	if lanes.ByArms() {
		return
	}
	for _, part := range s.parts[1:] {
		a.Add(s.loss, part, 1)
	}
}

// keep copies the step's numbers to their place in the ring.
func (s *statics) keep(a *shim.Arena, slot int) {
	a.Copy(s.slots[slot][0], s.loss)
	a.Copy(s.slots[slot][1], s.norms)
}

// told is the ring on the host.
type told struct {
	values []float64
	arms   int
}

func (t told) losses(slot int) []float64 { return t.values[2*slot*t.arms:][:t.arms] }
func (t told) norms(slot int) []float64  { return t.values[(2*slot+1)*t.arms:][:t.arms] }

// read waits for the device.
func (s *statics) read(a *shim.Arena) told {
	t := told{make([]float64, len(s.slots)*2*s.arms), s.arms}
	a.Doubles(s.ring, t.values)
	return t
}

// close frees them; the device's work must be done.
func (s *statics) close() {
	if s == nil {
		return
	}
	s.arena.Reset()
	s.feed.Close()
	s.schedule.Close()
}
