package decoder

import (
	"math"
	"slices"
	"testing"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/torch/shim"
)

// TestStacked holds adapters that read a shared input once equal to adapters that are
// applied one by one, forward and backward, for one arm and for two.
func TestStacked(t *testing.T) {
	begin(t)
	method := evidence.Method{Kind: evidence.LoRA, Rank: 3, Alpha: 6, Targets: evidence.AllLinear}
	other := method
	other.Rank, other.Alpha = 2, 10
	for name, arms := range map[string][]Arm{"one arm": {{method, 5}}, "two arms": {{method, 5}, {other, 6}}} {
		t.Run(name, func(t *testing.T) {
			m, err := NewLoRA(tiny()["qwen2"], Precision{shim.F32, shim.F32}, shim.CPU, 32, arms)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			m.arena.Normal(m.frozen, 0.5)
			m.arena.Normal(m.adapters.master, 0.5)
			for _, l := range []*linear{&m.blocks[0].qkv, &m.blocks[0].up, &m.blocks[1].down} {
				if l.stacked.w.Nil() {
					t.Fatal("adapters are not stacked")
				}
				checkStacked(t, m, l, shape{int64(len(arms)), 7})
			}
		})
	}
}

func checkStacked(t *testing.T, m *Model, l *linear, s shape) {
	t.Helper()
	a := shim.NewArena(shim.CPU)
	defer a.Reset()
	x, dy := a.Zeros(shim.F32, s.arms*s.rows, l.adapters[0].in), a.Zeros(shim.F32, s.arms*s.rows, l.out)
	residual := a.EmptyLike(dy)
	a.Normal(residual, 1)
	a.Normal(x, 1)
	a.Normal(dy, 1)
	run := func(stacked bool) (values []float32) {
		kept := l.stacked
		if !stacked {
			l.stacked = param{}
		}
		defer func() { l.stacked = kept }()
		y, tape := l.forwardPlain(a, x, residual, s, true)
		dx := l.backwardPlain(a, dy, dy, x, tape, s, 0, true)
		for _, part := range []struct {
			t shim.Tensor
			n int64
		}{{y, s.arms * s.rows * l.out}, {dx, s.arms * s.rows * l.adapters[0].in}, {m.adapters.grad, m.adapters.arms * m.adapters.elements}} {
			host := make([]float32, part.n)
			a.Floats(part.t, host)
			values = append(values, host...)
		}
		return values
	}
	a.Zero(m.adapters.grad)
	want := run(false)
	a.Zero(m.adapters.grad)
	got := run(true)
	if a.Err() != nil {
		t.Fatal(a.Err())
	}
	if !slices.EqualFunc(want, got, func(x, y float32) bool { return math.Abs(float64(x-y)) <= 1e-4*(1+math.Abs(float64(x))) }) {
		t.Errorf("%s: stacked adapters differ from single ones", l.adapters[0].name)
	}
}
