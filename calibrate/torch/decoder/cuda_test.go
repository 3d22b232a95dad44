package decoder

import (
	"math"
	"os"
	"strings"
	"testing"

	"ftadvise/calibrate/torch/shim"
)

// TestKernels holds the fused CUDA kernels to libtorch's plain operations, in bf16.
func TestKernels(t *testing.T) {
	if !strings.HasPrefix(os.Getenv("FTADVISE_TEST_DEVICE"), "cuda") {
		t.Skip("FTADVISE_TEST_DEVICE names no GPU")
	}
	begin(t)
	for name := range tiny() {
		t.Run(name, func(t *testing.T) {
			plainLoss, plainNorm := lossAndNorm(t, name, true)
			loss, norm := lossAndNorm(t, name, false)
			if math.Abs(loss-plainLoss) > 0.01 || math.Abs(norm/plainNorm-1) > 0.02 {
				t.Errorf("loss %g, gradient norm %g; plain %g, %g", loss, norm, plainLoss, plainNorm)
			}
			t.Logf("loss %g against %g, norm %g against %g", loss, plainLoss, norm, plainNorm)
		})
	}
}

func lossAndNorm(t *testing.T, name string, reference bool) (float64, float64) {
	t.Helper()
	shim.Reference(reference)
	defer shim.Reference(false)
	c := tiny()[name]
	c.Hidden, c.HeadDim, c.AttentionScale, c.Vocab = 64, 16, 0.25, 203
	m, err := NewFull(c, Precision{shim.BF16, shim.BF16}, 0, 32)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Randomise(3); err != nil {
		t.Fatal(err)
	}
	a := shim.NewArena(0)
	defer a.Reset()
	b := NewBatch(a, sequences(c.Vocab, 3, 12), []int{0, 2}, 1, 0)
	loss, tape := m.Forward(a, b, 0)
	m.Backward(tape)
	sum, norms := make([]float64, 1), make([]float32, 1)
	a.Doubles(b.WeightedLoss(a, loss), sum)
	a.Floats(a.Norm(m.base.grad), norms)
	if a.Err() != nil {
		t.Fatal(a.Err())
	}
	return sum[0], float64(norms[0])
}
