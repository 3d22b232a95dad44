package decoder

import (
	"fmt"
	"math"
	"testing"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/torch/shim"
)

// shapes vary what the fused kernels divide by: head dimensions, shared heads, windows,
// row lengths that fill no block.
func shapes() map[string]hf.Config {
	base := tiny()["llama"]
	base.Hidden, base.Intermediate, base.MaxPositions, base.Vocab = 40, 44, 64, 61
	out := map[string]hf.Config{}
	for _, x := range []struct{ heads, kv, dim, window int }{{4, 2, 8, 0}, {3, 3, 16, 0}, {6, 1, 8, 7}, {2, 2, 40, 20}, {4, 2, 12, 0}} {
		c := base
		c.Heads, c.KVHeads, c.HeadDim = x.heads, x.kv, x.dim
		if x.window > 0 {
			c.SlidingWindow, c.LayerSliding = x.window, []bool{true, false}
		}
		out[fmt.Sprintf("%d/%d heads of %d, window %d", x.heads, x.kv, x.dim, x.window)] = c
	}
	for name, c := range tiny() {
		out[name] = c
	}
	return out
}

// TestFusedKernels holds the fused CPU kernels to plain libtorch operations, with AVX-512 where
// there is any and without: losses and every gradient.
func TestFusedKernels(t *testing.T) {
	begin(t)
	defer shim.Wide(true)
	for name, c := range shapes() {
		for _, x := range []struct {
			length int
			wide   bool
		}{{12, true}, {37, true}, {12, false}, {37, false}} {
			t.Run(fmt.Sprintf("%s, length %d, wide %v", name, x.length, x.wide), func(t *testing.T) {
				shim.Wide(x.wide)
				full := func() (*Model, error) { return NewFull(c, Precision{shim.F32, shim.F32}, shim.CPU, 64) }
				sameAsReference(t, full, x.length)
				arms := []Arm{{evidence.Method{Kind: evidence.LoRA, Rank: 3, Alpha: 6, Targets: evidence.AllLinear}, 5}}
				sameAsReference(t, func() (*Model, error) {
					return NewLoRA(c, Precision{shim.F32, shim.F32}, shim.CPU, 64, arms)
				}, x.length)
			})
		}
	}
}

func sameAsReference(t *testing.T, make func() (*Model, error), length int) {
	t.Helper()
	loss, grad := lossAndGradient(t, make, length, false)
	wantLoss, want := lossAndGradient(t, make, length, true)
	if math.Abs(loss-wantLoss) > 1e-5 {
		t.Errorf("loss %v, by plain operations %v", loss, wantLoss)
	}
	var apart, size float64
	for i := range grad {
		apart += math.Pow(float64(grad[i])-float64(want[i]), 2)
		size += math.Pow(float64(want[i]), 2)
	}
	if !(math.Sqrt(apart/size) < 1e-4) {
		t.Errorf("gradients are %g of their size apart", math.Sqrt(apart/size))
	}
}

// disturbed is a model of random weights whose trained values are all moved, B's too.
func disturbed(t *testing.T, make func() (*Model, error), by float64) *Model {
	t.Helper()
	m, err := make()
	if err == nil {
		err = m.Randomise(3)
	}
	if err != nil {
		t.Fatal(err)
	}
	noise := m.arena.EmptyLike(m.trained().master)
	m.arena.Fail(shim.Seed(4))
	m.arena.Normal(noise, by)
	m.arena.Add(m.trained().master, noise, 1)
	m.arena.Drop(noise)
	m.renorm(m.arena)
	return m
}

// lossAndGradient runs one step of a model whose every value is far from zero.
func lossAndGradient(t *testing.T, make func() (*Model, error), length int, reference bool) (float64, []float32) {
	t.Helper()
	shim.Reference(reference)
	defer shim.Reference(false)
	m := disturbed(t, make, 0.3)
	defer m.Close()
	a := shim.NewArena(shim.CPU)
	defer a.Reset()
	f := m.trained()
	b := NewBatch(a, sequences(m.Config.Vocab, 3, length), []int{0, 2}, 1, 0)
	loss, tape := m.Forward(a, b, 0)
	m.Backward(tape)
	sum := []float64{0}
	a.Doubles(b.WeightedLoss(a, loss), sum)
	return sum[0], floatsOf(t, a, f.grad, f.elements)
}

func floatsOf(t *testing.T, a *shim.Arena, x shim.Tensor, n int64) []float32 {
	t.Helper()
	out := make([]float32, n)
	a.Floats(x, out)
	if a.Err() != nil {
		t.Fatal(a.Err())
	}
	return out
}
