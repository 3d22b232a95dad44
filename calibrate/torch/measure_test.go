package torch

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"pgregory.net/rapid"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
	"ftadvise/calibrate/torch/decoder"
	"ftadvise/calibrate/torch/shim"
)

// spectra is testdata/spectrum.json.
type spectra struct {
	Steps  int
	Rate   float64
	Rank   int
	Models map[string]struct {
		Tokens           evidence.TokenLosses
		Gradient, Update struct {
			Weights map[string]calibrate.WeightSpectrum
			Top     []float64
		}
		EmbeddingShare float64 `json:"embedding_share"`
		VectorShare    float64 `json:"vector_share"`
	}
}

// measure trains full fine-tuning with everything measured.
func measure(t *testing.T, e *Engine, group calibrate.Group, rate float64, steps, rank int) (tokens []calibrate.TokensMeasured, out []calibrate.SpectrumMeasured) {
	t.Helper()
	group.Segments = []calibrate.Segment{{
		Trial:  evidence.Trial{ID: "full", Stage: evidence.StageProbe, Method: evidence.Method{Kind: evidence.Full}, LearningRate: rate, Seed: 1},
		ToStep: steps, EvalSteps: []int{0}, Measure: &calibrate.Measure{Tokens: true, Gradient: true, Update: true, Rank: rank},
	}}
	err := e.Train(t.Context(), group, func(event calibrate.Event) {
		switch x := event.(type) {
		case calibrate.SpectrumMeasured:
			out = append(out, x)
		case calibrate.TokensMeasured:
			tokens = append(tokens, x)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return tokens, out
}

// TestSpectraAgainstTransformers compares with what testdata/spectrum.py made.
func TestSpectraAgainstTransformers(t *testing.T) {
	data, err := os.ReadFile("testdata/spectrum.json")
	if err != nil {
		t.Fatal(err)
	}
	var want spectra
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	e := newEngine(t)
	for name, model := range want.Models {
		tokens, got := measure(t, e, parityTask(t, name), want.Rate, want.Steps, want.Rank)
		if len(tokens) != 1 || len(got) != 2 {
			t.Fatalf("%s: %d and %d measurements", name, len(tokens), len(got))
		}
		near(t, name+": mean", tokens[0].HeldOut.Mean, model.Tokens.Mean)
		near(t, name+": p10", tokens[0].HeldOut.P10, model.Tokens.P10)
		near(t, name+": p50", tokens[0].HeldOut.P50, model.Tokens.P50)
		near(t, name+": p90", tokens[0].HeldOut.P90, model.Tokens.P90)
		near(t, name+": p99", tokens[0].HeldOut.P99, model.Tokens.P99)
		near(t, name+": above uniform", tokens[0].HeldOut.AboveUniform, model.Tokens.AboveUniform)
		near(t, name+": worst tenth", tokens[0].HeldOut.WorstTenth, model.Tokens.WorstTenth)
		near(t, name+": embeddings", got[0].EmbeddingShare, model.EmbeddingShare)
		near(t, name+": vectors", got[0].VectorShare, model.VectorShare)
		compareSpectrum(t, name+": gradient", got[0], model.Gradient.Weights, model.Gradient.Top)
		compareSpectrum(t, name+": update", got[1], model.Update.Weights, model.Update.Top)
	}
}

func compareSpectrum(t *testing.T, what string, got calibrate.SpectrumMeasured, want map[string]calibrate.WeightSpectrum, top []float64) {
	t.Helper()
	if len(got.Weights) != len(want) || got.Total != len(want) {
		t.Errorf("%s: %d of %d weights, want %d", what, len(got.Weights), got.Total, len(want))
	}
	for _, w := range got.Weights {
		x := want[w.Name]
		near(t, what+" "+w.Name+" effective rank", w.EffectiveRank, x.EffectiveRank)
		near(t, what+" "+w.Name+" stable rank", w.StableRank, x.StableRank)
		near(t, what+" "+w.Name+" top share", w.TopShare, x.TopShare)
		near(t, what+" "+w.Name+" energy", w.Energy, x.Energy)
	}
	for i, share := range got.Top {
		near(t, what+" top", share.Share, top[i])
	}
}

// near allows what float32 and another order of sums make of five steps of Adam.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 2e-3*math.Abs(want)+1e-9) {
		t.Errorf("%s is %.6g, want %.6g", what, got, want)
	}
}

// TestSingularValueLaws: a product of a column and a row has one direction, orthogonal
// rows of one length have as many as rows, and turning or scaling changes no shares.
func TestSingularValueLaws(t *testing.T) {
	e := newEngine(t)
	rapid.Check(t, func(t *rapid.T) {
		rows, cols := rapid.Int64Range(1, 40).Draw(t, "rows"), rapid.Int64Range(1, 40).Draw(t, "cols")
		u := rapid.SliceOfN(rapid.Float32Range(0.5, 2), int(rows), int(rows)).Draw(t, "u")
		v := rapid.SliceOfN(rapid.Float32Range(0.5, 2), int(cols), int(cols)).Draw(t, "v")
		one := make([]float32, 0, rows*cols)
		for _, x := range u {
			for _, y := range v {
				one = append(one, x*y)
			}
		}
		eye := make([]float32, rows*rows)
		for i := range rows {
			eye[i*rows+i] = 3
		}
		err := e.on(func() error {
			a := shim.NewArena(shim.CPU)
			defer a.Reset()
			m := a.FromFloat32(one, rows, cols)
			values := a.SingularValues(m, rows, cols)
			turned := a.SingularValues(a.Transpose2(m), cols, rows)
			identity := a.SingularValues(a.FromFloat32(eye, rows, rows), rows, rows)
			if err := a.Err(); err != nil {
				return err
			}
			if r := forecast.EffectiveRank(values); math.Abs(r-1) > 1e-3 {
				t.Errorf("a rank of one is %v", r)
			}
			if r := forecast.StableRank(values); math.Abs(r-1) > 1e-6 {
				t.Errorf("a stable rank of one is %v", r)
			}
			if d := math.Abs(energyOf(values) - energyOf(turned)); d > 1e-6*energyOf(values) {
				t.Errorf("turned, the energy is %v off", d)
			}
			if r := forecast.EffectiveRank(identity); math.Abs(r-float64(rows)) > 1e-6*float64(rows) {
				t.Errorf("%d equal directions are %v", rows, r)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestSampleOfLayers: with the time up at once, one layer is measured, and its name and
// the number of all are told.
func TestSampleOfLayers(t *testing.T) {
	e := newEngine(t)
	group := parityTask(t, "llama")
	group.Segments = []calibrate.Segment{{
		Trial: evidence.Trial{ID: "full", Method: evidence.Method{Kind: evidence.Full}, LearningRate: 1e-3}, ToStep: 2,
		Measure: &calibrate.Measure{Gradient: true, Update: true, Rank: 2, Seconds: 1e-9},
	}}
	n := 0
	err := e.Train(t.Context(), group, func(event calibrate.Event) {
		if m, ok := event.(calibrate.SpectrumMeasured); ok {
			n++
			if len(m.Weights) != 7 || m.Total != 21 {
				t.Errorf("%s: %d of %d", m.Of, len(m.Weights), m.Total)
			}
		}
	})
	if err != nil || n != 2 {
		t.Errorf("%d measurements, %v", n, err)
	}
}

// TestNotMeasured: neither LoRA nor random weights have a base gradient to speak of.
func TestNotMeasured(t *testing.T) {
	e := newEngine(t)
	for _, random := range []bool{false, true} {
		group := parityTask(t, "llama")
		group.RandomWeights = random
		method := evidence.Method{Kind: evidence.LoRA, Rank: 2, Alpha: 4, Targets: evidence.AllLinear}
		if random {
			method = evidence.Method{Kind: evidence.Full}
		}
		group.Segments = []calibrate.Segment{{
			Trial: evidence.Trial{ID: "a", Method: method, LearningRate: 1e-3}, ToStep: 1, Measure: &calibrate.Measure{Gradient: true, Update: true},
		}}
		err := e.Train(t.Context(), group, func(event calibrate.Event) {
			if m, ok := event.(calibrate.SpectrumMeasured); ok {
				t.Errorf("measured %+v", m)
			}
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestSpread(t *testing.T) {
	for n := range 70 {
		seen := map[int]bool{}
		for _, at := range decoder.Spread(n) {
			if seen[at] || at < 0 || at >= n {
				t.Errorf("of %d layers: %d twice or beyond", n, at)
			}
			seen[at] = true
		}
		if len(seen) != n {
			t.Errorf("%d of %d layers", len(seen), n)
		}
	}
}

// TestTokenLosses describes losses whose answers are known.
func TestTokenLosses(t *testing.T) {
	var l tokenLosses
	for i := range 101 {
		l.nats = append(l.nats, float32(100-i))
	}
	d := l.describe(89.5)
	want := evidence.TokenLosses{Tokens: 101, Mean: 50, P10: 10, P50: 50, P90: 90, P99: 99, AboveUniform: 11. / 101, WorstTenth: 11 * 95. / 5050}
	if d != want {
		t.Errorf("described as %+v, want %+v", d, want)
	}
	if b := l.beyond(90); math.Abs(b-10./101) > 1e-12 {
		t.Errorf("beyond 90: %v", b)
	}
	if (&tokenLosses{}).describe(1) != (evidence.TokenLosses{}) {
		t.Error("no losses are described")
	}
}
