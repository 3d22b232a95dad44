package decoder

import (
	"math"
	"slices"
	"testing"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/torch/shim"
)

// gradients runs a batch forward and backward and returns each arm's loss and what is
// left in the flat gradient.
func gradients(t *testing.T, m *Model, b *Batch) (loss []float64, grad []float32) {
	t.Helper()
	a := shim.NewArena(shim.CPU)
	defer a.Reset()
	l, tape := m.Forward(a, b, 0)
	loss = make([]float64, b.arms)
	a.Doubles(b.WeightedLoss(a, l), loss)
	m.Backward(tape)
	f := m.trained()
	grad = make([]float32, f.arms*f.elements)
	a.Floats(f.grad, grad)
	if a.Err() != nil {
		t.Fatal(a.Err())
	}
	return loss, grad
}

// TestFeed holds batches that come through a feed, filled up by rows that weigh nothing,
// equal to batches made one by one: losses and gradients, for one arm and for two.
func TestFeed(t *testing.T) {
	begin(t)
	method := evidence.Method{Kind: evidence.LoRA, Rank: 3, Alpha: 6, Targets: evidence.AllLinear}
	for name, arms := range map[string][]Arm{"full": nil, "two arms": {{method, 5}, {method, 6}}} {
		t.Run(name, func(t *testing.T) {
			c := tiny()["qwen3"]
			precision := Precision{shim.F32, shim.F32}
			m, err := NewFull(c, precision, shim.CPU, 32)
			if arms != nil {
				m, err = NewLoRA(c, precision, shim.CPU, 32, arms)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if err := m.Randomise(3); err != nil {
				t.Fatal(err)
			}
			checkFeed(t, m, max(1, len(arms)))
		})
	}
}

func checkFeed(t *testing.T, m *Model, arms int) {
	t.Helper()
	set := sequences(m.Config.Vocab, 6, 12)
	for i := range set.Labels[4*12:] { // the last two rows predict nothing
		set.Labels[4*12+i] = -100
	}
	feed, err := NewFeed(shim.CPU, set, 2, arms)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	feed.grain = 8
	a := shim.NewArena(shim.CPU)
	defer a.Reset()
	for _, which := range [][]int{{0, 1}, {3, 2}, {4, 5}, {1, 4}, {0, 1}} {
		plain := NewBatch(a, set, which, arms, 0.25)
		fed := feed.Load(a, which, 0.25)
		if fed.Labelled() != plain.Labelled() {
			t.Errorf("rows %v: %d labelled, want %d", which, fed.Labelled(), plain.Labelled())
		}
		if taken, _ := fed.Shape(); taken%8 != 0 && taken != 22 || taken < int64(plain.Labelled()) {
			t.Errorf("rows %v: %d rows go through the head for %d labels", which, taken, plain.Labelled())
		}
		if plain.Labelled() == 0 {
			continue
		}
		want, wantGrad := gradients(t, m, plain)
		got, gotGrad := gradients(t, m, fed)
		for i := range want {
			if math.Abs(want[i]-got[i]) > 1e-5 {
				t.Errorf("rows %v: loss %g, want %g", which, got[i], want[i])
			}
		}
		for i := range wantGrad {
			if math.Abs(float64(wantGrad[i]-gotGrad[i])) > 1e-5 {
				t.Fatalf("rows %v: gradient %d is %g, want %g", which, i, gotGrad[i], wantGrad[i])
			}
		}
	}
}

// TestFeedBounds reads the documents' bounds as a CUDA kernel would: true bounds first,
// then empty documents up to the most that any rows hold.
func TestFeedBounds(t *testing.T) {
	begin(t)
	set := Sequences{Length: 6, IDs: make([]int32, 18), Labels: make([]int32, 18), Segments: []int32{
		1, 1, 1, 1, 1, 1,
		1, 1, 2, 2, 3, 0,
		1, 1, 1, 2, 2, 2,
	}}
	feed, err := NewFeed(shim.CPU, set, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	a := shim.NewArena(shim.CPU)
	defer a.Reset()
	// Every load keeps the bounds' place, also after attention has used them.
	for range 3 {
		if used := feed.Load(a, []int{0, 1}, 0).packingCUDA(0, shim.BF16, true); used.Bounds.Nil() {
			t.Fatal("packed rows without bounds")
		}
	}
	b := feed.Load(a, []int{0, 2}, 0)
	raw := make([]byte, 4*9)
	a.Bytes(b.documents.Bounds, raw)
	if a.Err() != nil {
		t.Fatal(a.Err())
	}
	var got []int
	for i := 0; i < len(raw); i += 4 {
		got = append(got, int(raw[i])|int(raw[i+1])<<8)
	}
	if want := []int{0, 6, 9, 12, 12, 12, 12, 12, 12}; !slices.Equal(got, want) {
		t.Errorf("bounds %v, want %v", got, want)
	}
}
