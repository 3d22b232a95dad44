package forecast

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"ftadvise/calibrate/evidence"
)

func TestSpectrum(t *testing.T) {
	tests := []struct {
		name                   string
		singular               []float64
		effective, stable, top float64 // top: of the first two directions
	}{
		{"one direction", []float64{3, 0, 0, 0}, 1, 1, 1},
		{"four alike", []float64{2, 2, 2, 2}, 4, 4, 0.5},
		{"three to one in energy", []float64{math.Sqrt(3), 1}, math.Exp(0.75*math.Log(4.0/3) + 0.25*math.Log(4)), 4.0 / 3, 1},
		{"nothing", []float64{0, 0}, 0, 0, 0},
		{"none", nil, 0, 0, 0},
		{"no number", []float64{1, math.NaN()}, 0, 0, 0},
	}
	for _, test := range tests {
		got := []float64{EffectiveRank(test.singular), StableRank(test.singular), TopShare(test.singular, 2)}
		for i, want := range []float64{test.effective, test.stable, test.top} {
			if math.Abs(got[i]-want) > 1e-12 {
				t.Errorf("%s: figure %d is %v, want %v", test.name, i, got[i], want)
			}
		}
	}
}

func TestSpectrumBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SliceOfN(rapid.Float64Range(0.01, 100), 1, 32).Draw(t, "singular")
		n := float64(len(s))
		effective, stable := EffectiveRank(s), StableRank(s)
		if effective < 1-1e-9 || effective > n+1e-9 || stable < 1-1e-9 || stable > n+1e-9 {
			t.Fatalf("effective %v, stable %v of %v values", effective, stable, n)
		}
		for r := 1; r <= len(s); r++ {
			if TopShare(s, r) < TopShare(s, r-1) || math.Abs(TopShare(s, len(s))-1) > 1e-9 {
				t.Fatalf("shares of %v do not grow to one", s)
			}
		}
	})
}

func TestCapacity(t *testing.T) {
	if got := DemandBits(1.34, 0.60, 4_200_000); math.Abs(got-4.484e6) > 2e3 {
		t.Errorf("demand of the public suite is %v bits, want 4.48 million", got)
	}
	if got := DemandBits(1, 2, 100); got != 0 {
		t.Errorf("nothing to learn demands %v bits", got)
	}
	tests := []struct {
		demand  float64
		perRank int64
		most    int
		rank    int
		ok      bool
	}{
		{4.5e6, 286_880, 64, 8, true}, {0, 100, 64, 1, true}, {1e9, 100, 64, 64, false}, {1, 0, 64, 0, false}, {math.NaN(), 10, 64, 0, false},
	}
	for _, test := range tests {
		if rank, ok := RankFor(test.demand, test.perRank, test.most); rank != test.rank || ok != test.ok {
			t.Errorf("%+v: rank %d, %v", test, rank, ok)
		}
	}
}

func TestStopAt(t *testing.T) {
	over := func(step int) float64 { return 2 + math.Abs(math.Log((float64(step)+1)/61)) }
	run := &evidence.Run{ID: "r", Trials: []evidence.TrialResult{probe("full", fullMethod, []int{0, 10, 20, 40, 60, 90, 130, 180}, over)}}
	forecasts, _, _, err := Arms(run, 1500)
	if err != nil {
		t.Fatal(err)
	}
	stop := forecasts[0].Stop
	if !stop.Turned || stop.Step != 60 || stop.Saves < 0.5 || stop.Loss != forecasts[0].BestLoss.Mean {
		t.Errorf("a curve that turned at 60: %+v; forecast %+v", stop, forecasts[0].Loss)
	}
	falling := &evidence.Run{ID: "r", Trials: []evidence.TrialResult{probe("full", fullMethod, early, power(2, 2, 0.4))}}
	forecasts, _, _, err = Arms(falling, 1500)
	if err != nil {
		t.Fatal(err)
	}
	if stop = forecasts[0].Stop; stop.Turned || stop.Step != 1500 || stop.Saves != 0 || stop.Loss != forecasts[0].Loss.Mean {
		t.Errorf("a falling curve: %+v", stop)
	}
	flat := &evidence.Run{ID: "r", Trials: []evidence.TrialResult{probe("full", fullMethod, early, func(int) float64 { return 2 })}}
	forecasts, _, _, err = Arms(flat, 1500)
	if err != nil {
		t.Fatal(err)
	}
	if stop = forecasts[0].Stop; stop.Step != 1500 {
		t.Errorf("a flat curve: %+v", stop)
	}
}
