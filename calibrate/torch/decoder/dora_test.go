package decoder

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/torch/shim"
)

var dora = evidence.Method{Kind: evidence.LoRA, Rank: 3, Alpha: 6, Targets: evidence.AllLinear, Variant: evidence.DoRA}

func doraModel(t *testing.T, family string, method evidence.Method) *Model {
	t.Helper()
	m, err := NewLoRA(tiny()[family], Precision{shim.F32, shim.F32}, shim.CPU, 32, []Arm{{method, 5}})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Randomise(3); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestDoRANorms holds the norms to those of W + s B A, formed on the host.
func TestDoRANorms(t *testing.T) {
	begin(t)
	m := doraModel(t, "llama", dora)
	defer m.Close()
	a := shim.NewArena(shim.CPU)
	defer a.Reset()
	a.Normal(m.adapters.master, 0.3)
	m.renorm(a)
	for _, ad := range m.allAdapters() {
		w, low, up := floatsOf(t, a, ad.magnitude.slice, ad.out*ad.in), floatsOf(t, a, ad.a.w, ad.rank*ad.in), floatsOf(t, a, ad.b.w, ad.out*ad.rank)
		norms := floatsOf(t, a, ad.magnitude.norm, ad.out)
		for o := range int(ad.out) {
			want := 0.0
			for i := range int(ad.in) {
				v := float64(w[o*int(ad.in)+i])
				for r := range int(ad.rank) {
					v += ad.scale[0] * float64(up[o*int(ad.rank)+r]) * float64(low[r*int(ad.in)+i])
				}
				want += v * v
			}
			if math.Abs(float64(norms[o])/math.Sqrt(want)-1) > 1e-5 {
				t.Fatalf("%s: norm of row %d is %g, want %g", ad.name, o, norms[o], math.Sqrt(want))
			}
		}
	}
}

// TestDoRAStartsAtTheBase compares its first loss with plain LoRA's, and on a GPU in each
// precision.
func TestDoRAStartsAtTheBase(t *testing.T) {
	begin(t)
	plain := dora
	plain.Variant = ""
	device, precisions := shim.CPU, []Precision{{shim.F32, shim.F32}}
	if strings.HasPrefix(os.Getenv("FTADVISE_TEST_DEVICE"), "cuda") {
		device, precisions = 0, append(precisions, Precision{shim.BF16, shim.F32}, Precision{shim.BF16, shim.BF16})
	}
	for family := range tiny() {
		for _, p := range precisions {
			tolerance := 1e-5
			if p.Compute == shim.BF16 {
				tolerance = 0.02
			}
			for _, arms := range []int{1, 3} {
				if got, want := startLoss(t, family, dora, p, device, arms), startLoss(t, family, plain, p, device, arms); math.Abs(got-want) > tolerance {
					t.Errorf("%s, %v, %d arms: loss %g, plain LoRA's %g", family, p, arms, got, want)
				}
			}
		}
	}
}

// startLoss is the first arm's loss before a step, which must leave a finite one.
func startLoss(t *testing.T, family string, method evidence.Method, p Precision, device, arms int) float64 {
	t.Helper()
	c := tiny()[family]
	if device != shim.CPU { // whose kernels take no heads of four
		c.Hidden, c.HeadDim, c.AttentionScale = 64, 16, 0.25
	}
	m, err := NewLoRA(c, p, device, 32, slices.Repeat([]Arm{{method, 5}}, arms))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Randomise(3); err != nil {
		t.Fatal(err)
	}
	a := shim.NewArena(device)
	defer a.Reset()
	b := NewBatch(a, sequences(m.Config.Vocab, 3, 12), []int{0, 2}, arms, 0)
	loss, tape := m.Forward(a, b, 0)
	before, after := make([]float64, arms), make([]float64, arms)
	a.Doubles(b.WeightedLoss(a, loss), before)
	m.Backward(tape)
	schedule, err := m.NewSchedule()
	if err != nil {
		t.Fatal(err)
	}
	defer schedule.Close()
	o := evidence.Optimizer{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, ClipNorm: 1}
	m.SetStep(a, schedule, 1, slices.Repeat([]float64{1e-3}, arms), o)
	m.Step(a, schedule, o)
	a.Doubles(b.WeightedLoss(a, m.Loss(a, b)), after)
	if a.Err() != nil {
		t.Fatal(a.Err())
	}
	if !(after[arms-1] < before[0]) {
		t.Errorf("%s, %v: loss from %g to %g in a step", family, p, before[0], after[arms-1])
	}
	return before[0]
}

// TestDoRADropout compares the gradient under dropout with the loss's slope under the
// same draws.
func TestDoRADropout(t *testing.T) {
	begin(t)
	dropped := dora
	dropped.Dropout = 0.3
	for family := range tiny() {
		m := doraModel(t, family, dropped)
		a := shim.NewArena(shim.CPU)
		b := NewBatch(a, sequences(m.Config.Vocab, 3, 12), []int{0, 2}, 1, 0)
		bump := a.EmptyLike(m.adapters.master)
		a.Normal(bump, 0.3)
		a.Add(m.adapters.master, bump, 1)
		m.renorm(a)
		_, tape := drawn(t, m, a, b)
		m.Backward(tape)
		slope, square := droppedSlope(t, m, a, b)
		if math.Abs(slope/square-1) > 5e-3 {
			t.Errorf("%s: slope along the gradient %g, its square %g", family, slope, square)
		}
		a.Reset()
		m.Close()
	}
}

func drawn(t *testing.T, m *Model, a *shim.Arena, b *Batch) (float64, *Tape) {
	t.Helper()
	a.Fail(shim.Seed(9))
	loss, tape := m.Forward(a, b, 0)
	sum := make([]float64, 1)
	a.Doubles(b.WeightedLoss(a, loss), sum)
	if a.Err() != nil {
		t.Fatal(a.Err())
	}
	return sum[0], tape
}

func droppedSlope(t *testing.T, m *Model, a *shim.Arena, b *Batch) (slope, square float64) {
	t.Helper()
	norm := floatsOf(t, a, a.Norm(m.adapters.grad), 1)
	square = float64(norm[0]) * float64(norm[0])
	at := func(h float64) float64 {
		a.Add(m.adapters.master, m.adapters.grad, h)
		for _, ad := range m.dora {
			ad.magnitude.refactor(a)
		}
		loss, tape := drawn(t, m, a, b)
		m.dropTape(tape)
		return loss
	}
	h := 2e-3 / math.Sqrt(square)
	up, down := at(h), at(-2*h)
	wide := (up - down) / (2 * h)
	up, down = at(1.5*h), at(-h)
	return (4*(up-down)/h - wide) / 3, square
}

// TestNothingToPredict leaves no gradient of an older step where a batch carries no loss.
func TestNothingToPredict(t *testing.T) {
	begin(t)
	whole := dora
	whole.ModulesToSave = "lm_head"
	m := doraModel(t, "llama", whole)
	defer m.Close()
	a := shim.NewArena(shim.CPU)
	defer a.Reset()
	set := sequences(m.Config.Vocab, 2, 12)
	for i := range 12 {
		set.Labels[i] = -100
	}
	some, none := normAfter(m, a, set, 1), normAfter(m, a, set, 0)
	if was, is := floatsOf(t, a, some, 1)[0], floatsOf(t, a, none, 1)[0]; was == 0 || is != 0 {
		t.Errorf("gradient norm %g, then %g of a batch without labels", was, is)
	}
}

func normAfter(m *Model, a *shim.Arena, set Sequences, row int) shim.Tensor {
	b := NewBatch(a, set, []int{row}, 1, 0)
	_, tape := m.Forward(a, b, 0)
	m.Backward(tape)
	return a.Norm(m.adapters.grad)
}

// TestAdaptersStayWide keeps what LoRA trains in fp32 beside weights in bf16, as PEFT does.
func TestAdaptersStayWide(t *testing.T) {
	begin(t)
	whole := dora
	whole.ModulesToSave = "lm_head"
	m, err := NewLoRA(tiny()["llama"], Precision{shim.BF16, shim.BF16}, shim.CPU, 32, []Arm{{whole, 5}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	state, err := m.State(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range state {
		if s.DType != "F32" {
			t.Errorf("%s is %s", s.Name, s.DType)
		}
	}
}
