package decoder

import (
	"math"
	"math/rand/v2"
	"testing"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/torch/shim"
)

func TestMain(m *testing.M) {
	shim.Load()
	m.Run()
}

// tiny are configurations that together have every part of a block.
func tiny() map[string]hf.Config {
	llama := hf.Config{
		ModelType: "llama", Hidden: 16, Intermediate: 24, Layers: 2, Heads: 4, KVHeads: 2, HeadDim: 4, Vocab: 23,
		MaxPositions: 32, NormEps: 1e-5, RopeTheta: 10000, RotaryShare: 1, Activation: "silu", EmbeddingScale: 1, AttentionScale: 0.5, Tied: true,
	}
	qwen3 := llama
	qwen3.ModelType, qwen3.QKNorm, qwen3.Tied = "qwen3", true, false
	qwen2 := llama
	qwen2.ModelType, qwen2.AttentionBias = "qwen2", true
	mistral := llama
	mistral.ModelType, mistral.SlidingWindow, mistral.LayerSliding = "mistral", 3, []bool{true, false}
	gemma := llama
	gemma.ModelType, gemma.NormPlusOne, gemma.PostNorms, gemma.QKNorm, gemma.EmbeddingScale = "gemma3_text", true, true, true, 4
	gemma.Activation, gemma.LogitSoftcap = "gelu_tanh", 5
	gpt2 := hf.Config{
		ModelType: "gpt2", Hidden: 16, Intermediate: 64, Layers: 2, Heads: 4, KVHeads: 4, HeadDim: 4, Vocab: 23,
		MaxPositions: 32, NormEps: 1e-5, Activation: "gelu_tanh", EmbeddingScale: 1, AttentionScale: 0.5, AttentionBias: true, Tied: true,
	}
	return map[string]hf.Config{"llama": llama, "qwen2": qwen2, "qwen3": qwen3, "mistral": mistral, "gemma3": gemma, "gpt2": gpt2}
}

func sequences(vocab, n, length int) Sequences {
	r := rand.New(rand.NewPCG(1, 2))
	s := Sequences{Length: length}
	for i := range n * length {
		id := int32(r.IntN(vocab))
		segment := int32(1 + i%length/5) // several documents a row
		label := id
		if i%length%5 == 0 || r.IntN(4) == 0 {
			label = -100
		}
		s.IDs, s.Labels, s.Segments = append(s.IDs, id), append(s.Labels, label), append(s.Segments, segment)
	}
	return s
}

// lossOf is the batch's mean loss, summed in double precision.
func lossOf(t *testing.T, m *Model, b *Batch) []float64 {
	t.Helper()
	a := shim.NewArena(shim.CPU)
	defer a.Reset()
	loss := m.Loss(a, b)
	sum := make([]float64, b.arms)
	a.Doubles(a.WeightedSum(loss.PerToken, b.weights, b.arms), sum)
	if a.Err() != nil {
		t.Fatal(a.Err())
	}
	return sum
}

// TestGradients compares each gradient with the slope of the loss along it: moving the
// weights by -h g must change the loss by -h |g|^2.
func TestGradients(t *testing.T) {
	begin(t)
	for name, c := range tiny() {
		for _, reference := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				shim.Reference(reference)
				defer shim.Reference(false)
				full, err := NewFull(c, Precision{shim.F32, shim.F32}, shim.CPU, 32)
				checkSlope(t, full, err, true)
				for _, method := range variants(c) {
					lora, err := NewLoRA(c, Precision{shim.F32, shim.F32}, shim.CPU, 32, []Arm{{method, 5}})
					checkSlope(t, lora, err, false)
				}
			})
		}
	}
}

// variants are LoRA methods that together train everything that LoRA can.
func variants(c hf.Config) []evidence.Method {
	plain := evidence.Method{Kind: evidence.LoRA, Rank: 3, Alpha: 6, Targets: evidence.AllLinear}
	dora, some, whole := plain, plain, plain
	dora.Variant = "dora"
	some.Variant, some.Targets = "dora", c.Modules()[2].Name // one of a fused group, in the first layer
	whole.ModulesToSave = "embed_tokens,lm_head"
	if c.LearnedPositions() {
		whole.ModulesToSave = "wte,wpe,lm_head"
	}
	both, head := whole, dora
	both.Variant = "dora"
	head.ModulesToSave = "lm_head"
	return []evidence.Method{plain, dora, some, whole, both, head}
}

func begin(t *testing.T) {
	t.Helper()
	if err := shim.Begin(); err != nil {
		t.Fatal(err)
	}
}

func checkSlope(t *testing.T, m *Model, err error, full bool) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Randomise(3); err != nil {
		t.Fatal(err)
	}
	f := m.trained()
	noise := shim.NewArena(shim.CPU)
	defer noise.Reset()
	bump := noise.EmptyLike(f.master)
	noise.Normal(bump, 0.3)
	noise.Add(f.master, bump, 1) // far from the special point of initial values
	m.renorm(noise)
	a := shim.NewArena(shim.CPU)
	defer a.Reset()
	b := NewBatch(a, sequences(m.Config.Vocab, 3, 12), []int{0, 2}, 1, 0)
	before := a.Live()
	loss, tape := m.Forward(a, b, 0)
	m.Backward(tape)
	a.Drop(loss.PerToken, loss.Hit)
	for _, mask := range b.masks {
		before++
		_ = mask
	}
	if a.Err() != nil {
		t.Fatal(a.Err())
	}
	if a.Live() != before {
		t.Errorf("%d tensors left of the step", a.Live()-before)
	}
	norms := make([]float32, 1)
	a.Floats(a.Norm(f.grad), norms)
	square := float64(norms[0]) * float64(norms[0])
	// Richardson's extrapolation takes the curvature out of the two-sided slope.
	h := 2e-3 / math.Sqrt(square)
	slope := (4*slopeAt(t, m, a, b, h/2) - slopeAt(t, m, a, b, h)) / 3
	if math.Abs(slope/square-1) > 2e-3 || math.IsNaN(slope) {
		t.Errorf("full %v, arms %v: slope along the gradient %g, its square %g", full, m.arms, slope, square)
	}
}

// slopeAt is the two-sided difference quotient along the gradient.
func slopeAt(t *testing.T, m *Model, a *shim.Arena, b *Batch, h float64) float64 {
	t.Helper()
	f := m.trained()
	at := func(h float64) float64 {
		a.Add(f.master, f.grad, h)
		for _, ad := range m.dora {
			ad.magnitude.refactor(a) // with the norm as it was: DoRA takes it for constant
		}
		return lossOf(t, m, b)[0]
	}
	up, down := at(h), at(-2*h)
	at(h)
	return (up - down) / (2 * h)
}
