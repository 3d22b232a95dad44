package decoder

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"ftadvise/calibrate/torch/shim"
)

// BackendTime is how long an attention kernel takes for a forward and a backward pass.
type BackendTime struct {
	Backend shim.Backend
	Seconds float64
}

// BackendTimes are the kernels that work for a shape, the fastest first.
type BackendTimes []BackendTime

// Best is the fastest kernel.
func (t BackendTimes) Best() shim.Backend {
	if len(t) == 0 {
		return shim.AutoBackend
	}
	return t[0].Backend
}

// backendApart is how far, relatively, a kernel's gradients may lie from flash
// attention's to be trusted: bf16's rounding is some tenths of a percent.
const backendApart = 0.03

// Each kernel is timed over rounds of passes, after others that choose and compile it.
const (
	timedPasses = 4
	timedRounds = 3
)

// ErrNoChoice says that there is only one attention kernel: on a CPU and in fp32.
var ErrNoChoice = errors.New("attention has no choice of kernels here")

// TimeAttention times the attention kernels on sequences of one length, as plain rows
// have them; those that fail or compute something else are left out.
func (m *Model) TimeAttention(sequences, length int) (BackendTimes, error) {
	if !m.flash() {
		return nil, ErrNoChoice
	}
	c := m.Config
	shape := shim.AttentionShape{
		Batch: int64(sequences), Length: int64(length), Heads: int64(c.Heads), KVHeads: int64(c.KVHeads), HeadDim: int64(c.HeadDim), Scale: m.blocks[0].scale,
	}
	a := shim.NewArena(m.arena.Device())
	defer a.Reset()
	t := trial{shape: shape, dtype: m.Precision.Compute}
	t.fill(a)
	var out BackendTimes
	for _, backend := range []shim.Backend{shim.FlashBackend, shim.CuDNNBackend, shim.EfficientBackend} {
		seconds, err := t.time(m.arena.Device(), backend)
		if errors.Is(err, shim.ErrOutOfMemory) {
			return nil, err
		}
		if err != nil {
			continue // a kernel that this shape or device does not have
		}
		out = append(out, BackendTime{backend, seconds})
	}
	slices.SortFunc(out, func(x, y BackendTime) int { return cmp.Compare(x.Seconds, y.Seconds) })
	return out, a.Err()
}

// trial is attention on random values.
type trial struct {
	shape     shim.AttentionShape
	dtype     shim.DType
	qkv, dout shim.Tensor
	want      shim.Tensor // the gradient by the first kernel
}

func (t *trial) fill(a *shim.Arena) {
	s := t.shape
	n := s.Batch * s.Length
	t.qkv = a.Zeros(t.dtype, n, (s.Heads+2*s.KVHeads)*s.HeadDim)
	t.dout = a.Zeros(t.dtype, n, s.Heads*s.HeadDim)
	t.want = a.Zeros(shim.F32, 1, n*(s.Heads+2*s.KVHeads)*s.HeadDim)
	a.Normal(t.qkv, 1)
	a.Normal(t.dout, 1)
}

func (t *trial) time(device int, backend shim.Backend) (float64, error) {
	a := shim.NewArena(device)
	defer a.Reset()
	t.shape.Backend = backend
	if err := t.check(a, backend); err != nil {
		return 0, err
	}
	passes, free := t.captured(a)
	defer free()
	a.Fail(passes())
	timer, err := shim.NewTimer(device)
	if err != nil {
		return 0, err
	}
	defer timer.Free()
	for range timedRounds {
		a.Fail(errors.Join(passes(), timer.Mark()))
	}
	seconds, err := timer.Seconds()
	if err := errors.Join(a.Err(), err); err != nil {
		return 0, err
	}
	return slices.Min(seconds) / timedPasses, nil
}

// captured makes a function of several passes: replayed as a graph, so that it is the
// device's time that counts, or issued one by one where there are no graphs.
func (t *trial) captured(a *shim.Arena) (passes func() error, free func()) {
	issue := func() error {
		for range timedPasses {
			t.pass(a)
		}
		return a.Err()
	}
	pool, err := shim.NewGraphPool()
	if err != nil {
		return issue, func() {}
	}
	graph, err := pool.Capture(issue)
	if err != nil {
		pool.Free()
		return issue, func() {}
	}
	return graph.Replay, func() {
		graph.Free()
		pool.Free()
	}
}

func (t *trial) pass(a *shim.Arena) {
	a.Drop(t.gradient(a))
}

func (t *trial) gradient(a *shim.Arena) shim.Tensor {
	x := a.Attention(t.qkv, t.shape, shim.Packing{})
	dqkv := a.AttentionBackward(t.dout, t.qkv, x, t.shape, shim.Packing{})
	x.Drop(a)
	return dqkv
}

// check compares a kernel's gradient with the first one's, which it keeps.
func (t *trial) check(a *shim.Arena, backend shim.Backend) error {
	dqkv := t.gradient(a)
	if a.Err() != nil {
		return a.Err()
	}
	got := a.Cast(a.View(dqkv, 1, -1), shim.F32)
	if backend == shim.FlashBackend {
		a.Copy(t.want, got)
		return a.Err()
	}
	a.Add(got, t.want, -1)
	apart, size := make([]float32, 1), make([]float32, 1)
	a.Floats(a.Norm(got), apart)
	a.Floats(a.Norm(t.want), size)
	if a.Err() == nil && !(apart[0] <= backendApart*size[0]) {
		return fmt.Errorf("%s attention is %g of %g off", backend, apart[0], size[0])
	}
	return a.Err()
}
