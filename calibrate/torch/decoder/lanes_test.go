package decoder

import (
	"errors"
	"math"
	"testing"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/torch/shim"
)

// TestLanes holds what several lanes leave to what one pass over all sequences does: loss,
// gradients, their norms and the weights after a step, for every part that is trained.
func TestLanes(t *testing.T) {
	begin(t)
	lora := func(variant string, arms int) []Arm {
		var out []Arm
		for i := range arms {
			out = append(out, Arm{evidence.Method{Kind: evidence.LoRA, Variant: variant, Rank: 2 + i, Alpha: 6, Targets: evidence.AllLinear}, int64(i)})
		}
		return out
	}
	for family, c := range tiny() {
		p := Precision{shim.F32, shim.F32}
		for name, make := range map[string]func() (*Model, error){
			"full":       func() (*Model, error) { return NewFull(c, p, shim.CPU, 64) },
			"lora":       func() (*Model, error) { return NewLoRA(c, p, shim.CPU, 64, lora("", 1)) },
			"three arms": func() (*Model, error) { return NewLoRA(c, p, shim.CPU, 64, lora("", 3)) },
			"dora":       func() (*Model, error) { return NewLoRA(c, p, shim.CPU, 64, lora(evidence.DoRA, 1)) },
		} {
			t.Run(family+", "+name, func(t *testing.T) {
				want := stepInLanes(t, make, (*Model).NewLanes, 1)
				sameStep(t, stepInLanes(t, make, (*Model).NewLanes, 3), want)
				if name == "three arms" {
					sameStep(t, stepInLanes(t, make, (*Model).NewArmLanes, 2), want)
				}
			})
		}
	}
}

// TestFailedLane has an error of any lane end the pass and the step, which leaves no norms.
func TestFailedLane(t *testing.T) {
	begin(t)
	m := disturbed(t, func() (*Model, error) { return NewFull(tiny()["llama"], Precision{shim.F32, shim.F32}, shim.CPU, 64) }, 0.1)
	defer m.Close()
	a := shim.NewArena(shim.CPU)
	defer a.Reset()
	lanes, err := m.NewLanes(a, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer lanes.Close()
	broken := errors.New("broken")
	err = lanes.Each(func(i int, lane *Lane) {
		if i == 1 {
			lane.Arena.Fail(broken)
		}
	})
	if !errors.Is(err, broken) {
		t.Errorf("the pass gave %v", err)
	}
	if norms, err := lanes.Step(nil, evidence.Optimizer{}); !errors.Is(err, broken) || !norms.Nil() {
		t.Errorf("the step gave %v", err)
	}
}

// sameStep allows what fp32 sums in another order differ by, as TestFusedKernels does: gradients
// behind the norms of single heads come to 1.3e-5.
func sameStep(t *testing.T, got, want [][]float32) {
	t.Helper()
	for part := range want {
		if apart := distance(got[part], want[part]); !(apart < 1e-4) {
			t.Errorf("%s are %g of their size apart", partNames[part], apart)
		}
	}
}

var partNames = []string{"losses", "gradients", "norms", "weights"}

// stepInLanes is one optimizer step over seven sequences: losses, gradients, norms, weights.
func stepInLanes(t *testing.T, build func() (*Model, error), divide func(*Model, *shim.Arena, int) (*Lanes, error), n int) [][]float32 {
	t.Helper()
	m := disturbed(t, build, 0.1)
	defer m.Close()
	a := shim.NewArena(shim.CPU)
	defer a.Reset()
	f := m.trained()
	m.SetRemembering(n > 1)
	m.SetMerging(n > 1)
	lanes, err := divide(m, a, n)
	if err != nil {
		t.Fatal(err)
	}
	defer lanes.Close()
	losses := make([][]float64, n)
	err = lanes.Each(func(i int, lane *Lane) {
		losses[i] = make([]float64, f.arms)
		from, to := lanes.Rows(i, 7)
		// In two batches, the second of which adds to the first.
		for at, beta := from, 0.0; at < to; at, beta = at+2, 1 {
			b := NewBatch(lane.Arena, sequences(m.Config.Vocab, 7, 12), rowsBetween(at, min(at+2, to)), lane.To-lane.From, 1.0/77)
			loss, tape := lane.Model.Forward(lane.Arena, b, beta)
			sum := make([]float64, lane.To-lane.From)
			lane.Arena.Doubles(b.WeightedLoss(lane.Arena, loss), sum)
			for arm := range sum {
				losses[i][lane.From+arm] += sum[arm]
			}
			lane.Model.Backward(tape)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	schedule, err := m.NewSchedule()
	if err != nil {
		t.Fatal(err)
	}
	defer schedule.Close()
	rates := make([]float64, f.arms)
	total := make([]float32, f.arms)
	for arm := range rates {
		rates[arm] = 1e-2
		for _, loss := range losses {
			total[arm] += float32(loss[arm])
		}
	}
	o := evidence.Optimizer{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-3, ClipNorm: 1, WeightDecay: 0.1}
	m.SetStep(a, schedule, 1, rates, o)
	norms, err := lanes.Step(schedule, o)
	if err != nil {
		t.Fatal(err)
	}
	all := f.arms * f.elements
	return [][]float32{total, floatsOf(t, a, f.grad, all), floatsOf(t, a, norms, f.arms), floatsOf(t, a, f.master, all)}
}

func rowsBetween(from, to int) []int {
	var out []int
	for ; from < to; from++ {
		out = append(out, from)
	}
	return out
}

func distance(got, want []float32) float64 {
	apart, size := 0.0, 0.0
	for i := range want {
		apart += math.Pow(float64(got[i])-float64(want[i]), 2)
		size += math.Pow(float64(want[i]), 2)
	}
	return math.Sqrt(apart / size)
}
