package decoder

import (
	"errors"
	"math"
	"sync"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/torch/shim"
)

// Lanes are threads of a CPU that each take sequences of their own, or arms of their own,
// through all layers and back. What a layer works on stays in the thread's cache, and
// threads wait for each other twice a step in place of at every operation: of a small
// model's step that is a fifth. All read the same weights. Lanes of sequences leave
// gradients of their own, which Gather adds up.
type Lanes struct {
	model  *Model
	lanes  []*Lane
	byArms bool
}

// Lane is one of them: a model to train, one of all arms to evaluate, and an arena for what
// they make.
type Lane struct {
	Model, Reader *Model
	Arena         *shim.Arena
	From, To      int         // the arms that Model trains
	work          chan func() // nil in the first lane, which is the caller's own thread
}

// OneLane is the model itself, on the calling thread.
func (m *Model) OneLane(a *shim.Arena) *Lanes {
	return &Lanes{model: m, lanes: []*Lane{{Model: m, Reader: m, Arena: a, To: max(1, len(m.arms))}}}
}

// NewLanes makes n lanes of sequences, of which the first is the model itself, with a, on
// the calling thread. More than one need a CPU, and a calling thread set to one thread an
// operation.
func (m *Model) NewLanes(a *shim.Arena, n int) (*Lanes, error) {
	l := m.OneLane(a)
	for range n - 1 {
		twin := m.twin()
		l.lanes = append(l.lanes, &Lane{Model: twin, Reader: twin, Arena: shim.NewArena(shim.CPU), To: l.lanes[0].To})
	}
	return l, l.start()
}

// NewArmLanes makes n lanes that share out the model's arms, of plain LoRA; see NewLanes.
func (m *Model) NewArmLanes(a *shim.Arena, n int) (*Lanes, error) {
	l := &Lanes{model: m, byArms: true}
	for i := range n {
		reader := *m
		from, to := share(i, n, len(m.arms))
		lane := &Lane{Model: m.only(from, to), Reader: &reader, Arena: a, From: from, To: to}
		if i > 0 {
			lane.Arena = shim.NewArena(shim.CPU)
		}
		l.lanes = append(l.lanes, lane)
	}
	return l, l.start()
}

// start begins the lanes' threads; where that fails there are no lanes.
func (l *Lanes) start() error {
	for _, lane := range l.lanes[1:] {
		lane.work = make(chan func())
		ready := make(chan error)
		go lane.loop(ready)
		if err := errors.Join(<-ready, lane.Model.Err()); err != nil {
			l.Close()
			return err
		}
	}
	return l.lanes[0].Model.Err()
}

// loop is a lane's OS thread; it ends with the lane.
func (l *Lane) loop(ready chan<- error) {
	err := shim.Begin()
	shim.SetThreads(1)
	ready <- err
	for work := range l.work {
		work()
	}
}

// N is the number of lanes.
func (l *Lanes) N() int { return len(l.lanes) }

// Close ends the lanes' threads and frees what they hold; the model and its arena stay.
func (l *Lanes) Close() {
	if l == nil {
		return
	}
	for i, lane := range l.lanes {
		if lane.work != nil {
			close(lane.work)
		}
		if i > 0 {
			lane.Arena.Reset()
		}
		if lane.Model != l.model {
			lane.Model.Close()
		}
	}
	l.lanes = l.lanes[:1]
}

// ByArms reports whether each lane trains arms of its own on every sequence.
func (l *Lanes) ByArms() bool { return l.byArms }

// Rows is the part of a step's n sequences that a lane trains on.
func (l *Lanes) Rows(i, n int) (from, to int) {
	if l.byArms {
		return 0, n
	}
	return l.Share(i, n)
}

// Each runs work in every lane at once and returns the lanes' first error.
func (l *Lanes) Each(work func(i int, lane *Lane)) error {
	var others sync.WaitGroup
	for i, lane := range l.lanes[1:] {
		others.Add(1)
		lane.work <- func() {
			defer others.Done()
			work(i+1, lane)
		}
	}
	work(0, l.lanes[0])
	others.Wait()
	for _, lane := range l.lanes {
		if err := lane.Arena.Err(); err != nil {
			return err
		}
	}
	return nil
}

// InTurn runs work for one lane after the other on the calling thread.
func (l *Lanes) InTurn(work func(i int, lane *Lane)) error {
	for i, lane := range l.lanes {
		work(i, lane)
		if err := lane.Arena.Err(); err != nil {
			return err
		}
	}
	return nil
}

// First is the lane that is the model itself.
func (l *Lanes) First() *Lane { return l.lanes[0] }

// Share is the part of n things that falls to a lane, the same in every step.
func (l *Lanes) Share(i, n int) (from, to int) { return share(i, len(l.lanes), n) }

// share is the i-th of some even parts of n things.
func share(i, parts, n int) (from, to int) { return n * i / parts, n * (i + 1) / parts }

// Gather adds every lane's gradients to the model's own.
func (l *Lanes) Gather() error {
	return l.Each(func(i int, lane *Lane) { lane.Arena.Drop(l.gather(i, lane.Arena)) })
}

// gather adds up a lane's share of all gradients and returns the sum's view, [K, n].
func (l *Lanes) gather(i int, a *shim.Arena) shim.Tensor {
	sum := l.shareOf(i, a, l.model.trained().grad)
	if l.byArms {
		return sum // each left its own there
	}
	for _, other := range l.lanes[1:] {
		part := l.shareOf(i, a, other.Model.trained().grad)
		a.Add(sum, part, 1)
		a.Drop(part)
	}
	return sum
}

func (l *Lanes) shareOf(i int, a *shim.Arena, t shim.Tensor) shim.Tensor {
	f := l.model.trained()
	from, to := l.Share(i, int(f.elements))
	return a.Strided(t, []int64{f.arms, int64(to - from)}, []int64{f.elements, 1}, int64(from))
}

// Step is the model's Step on the gradients of all lanes, each of which updates a share of
// what is trained.
func (l *Lanes) Step(s *Schedule, o evidence.Optimizer) (shim.Tensor, error) {
	f := l.model.trained()
	squares := make([][]float32, len(l.lanes))
	err := l.Each(func(i int, lane *Lane) {
		sum := l.gather(i, lane.Arena)
		norms := lane.Arena.Norm(sum)
		squares[i] = make([]float32, f.arms)
		lane.Arena.Floats(norms, squares[i])
		lane.Arena.Drop(sum, norms)
	})
	if err != nil {
		return shim.Tensor{}, err
	}
	a := l.lanes[0].Arena
	norms := a.FromFloat32(joint(squares), f.arms)
	err = l.Each(func(i int, lane *Lane) {
		from, to := l.Share(i, int(f.elements))
		l.model.update(lane.Arena, s, o, norms, int64(from), int64(to))
	})
	l.model.renorm(a)
	if err == nil {
		err = l.merge()
	}
	return norms, err
}

// merge makes merged weights anew, where there are any.
func (l *Lanes) merge() error {
	if !l.model.merging {
		return nil
	}
	return l.Each(func(i int, lane *Lane) {
		from, to := l.Share(i, len(l.model.blocks))
		l.model.merge(lane.Arena, from, to)
	})
}

// joint is the norm of parts with these norms, for each arm.
func joint(parts [][]float32) []float32 {
	out := make([]float32, len(parts[0]))
	for arm := range out {
		sum := 0.0
		for _, norms := range parts {
			sum += float64(norms[arm]) * float64(norms[arm])
		}
		out[arm] = float32(math.Sqrt(sum))
	}
	return out
}
