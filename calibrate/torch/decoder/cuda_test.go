package decoder

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/torch/shim"
)

// TestKernels holds the fused CUDA kernels to libtorch's plain operations, in bf16.
func TestKernels(t *testing.T) {
	if !strings.HasPrefix(os.Getenv("FTADVISE_TEST_DEVICE"), "cuda") {
		t.Skip("FTADVISE_TEST_DEVICE names no GPU")
	}
	begin(t)
	for name := range tiny() {
		for _, lora := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, LoRA %t", name, lora), func(t *testing.T) {
				plainLoss, plainNorm := lossAndNorm(t, name, lora, true)
				loss, norm := lossAndNorm(t, name, lora, false)
				if math.Abs(loss-plainLoss) > 0.01 || math.Abs(norm/plainNorm-1) > 0.02 {
					t.Errorf("loss %g, gradient norm %g; plain %g, %g", loss, norm, plainLoss, plainNorm)
				}
				t.Logf("loss %g against %g, norm %g against %g", loss, plainLoss, norm, plainNorm)
			})
		}
	}
}

func lossAndNorm(t *testing.T, name string, lora, reference bool) (float64, float64) {
	t.Helper()
	shim.Reference(reference)
	defer shim.Reference(false)
	m := kernelModel(t, name, lora)
	defer m.Close()
	if err := m.Randomise(3); err != nil {
		t.Fatal(err)
	}
	if lora { // B is zero at first, and with it A's gradient
		m.arena.Normal(m.adapters.master, 0.1)
		m.adapters.publish(m.arena)
	}
	a := shim.NewArena(0)
	defer a.Reset()
	b := NewBatch(a, sequences(m.Config.Vocab, 3, 12), []int{0, 2}, 1, 0)
	loss, tape := m.Forward(a, b, 0)
	m.Backward(tape)
	sum, norms := make([]float64, 1), make([]float32, 1)
	a.Doubles(b.WeightedLoss(a, loss), sum)
	a.Floats(a.Norm(m.trained().grad), norms)
	if a.Err() != nil {
		t.Fatal(a.Err())
	}
	return sum[0], float64(norms[0])
}

// kernelModel is of widths that the kernels serve.
func kernelModel(t *testing.T, name string, lora bool) *Model {
	t.Helper()
	c, p := tiny()[name], Precision{shim.BF16, shim.BF16}
	c.Hidden, c.HeadDim, c.AttentionScale, c.Vocab, c.Intermediate = 64, 16, 0.25, 203, 96
	if !lora {
		m, err := NewFull(c, p, 0, 32)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	m, err := NewLoRA(c, p, 0, 32, []Arm{{evidence.Method{Kind: evidence.LoRA, Rank: 8, Alpha: 16, Targets: evidence.AllLinear}, 5}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
