package forecast

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ftadvise/calibrate/evidence"
)

func TestHardCurves(t *testing.T) {
	smooth := power(2, 2, 0.4)
	edit := func(change func([]evidence.Point) []evidence.Point) []evidence.Point {
		return change(probe("x", fullMethod, early, smooth).Outcome.EvalLoss)
	}
	tests := []struct {
		name    string
		points  []evidence.Point
		horizon int
		refused string // what the error says; "" is forecast
		warned  string // a warning's code
		mean    float64
		within  float64
		wide    float64 // least width of the 80 % interval
	}{
		{"two points", []evidence.Point{{Step: 10, Loss: 3}, {Step: 20, Loss: 2.8}}, 1000, "", "", 2.8, 0.01, 0.3},
		{"one point", []evidence.Point{{Step: 10, Loss: 3}}, 1000, "1 usable loss", "", 0, 0, 0},
		{"flat", []evidence.Point{{Step: 1, Loss: 3}, {Step: 10, Loss: 3}, {Step: 50, Loss: 3}, {Step: 70, Loss: 3}, {Step: 100, Loss: 3}}, 1000, "", "", 3, 0.01, 0.005},
		{"horizon inside the probe", edit(func(p []evidence.Point) []evidence.Point { return p }), 160, "", "", smooth(160), 1e-9, 0.005},
		{"ends in NaN", edit(func(p []evidence.Point) []evidence.Point { p[8].Loss = math.NaN(); return p }), 1000, "diverged", "no-forecast", 0, 0, 0},
		{"NaN on the way", edit(func(p []evidence.Point) []evidence.Point { p[4].Loss = math.NaN(); return p }), 1500, "", "non-finite-loss", smooth(1500), 0.12, 0.005},
		{"spike", edit(func(p []evidence.Point) []evidence.Point { p[6].Loss = 30; return p }), 1500, "", "spiking-loss", smooth(1500), 0.3, 0.005},
		{"steps twice", edit(func(p []evidence.Point) []evidence.Point {
			return append([]evidence.Point{{Step: 40, Loss: 99}, {Step: 80, Loss: 99}}, p...)
		}), 1500, "", "duplicated-steps", smooth(1500), 0.12, 0.005},
		{"out of order", edit(func(p []evidence.Point) []evidence.Point { p[2], p[6] = p[6], p[2]; return p }), 1500, "", "", smooth(1500), 0.12, 0.005},
		{"every loss NaN", edit(func(p []evidence.Point) []evidence.Point {
			for i := range p {
				p[i].Loss = math.NaN()
			}
			return p
		}), 1500, "diverged", "no-forecast", 0, 0, 0},
		{"infinite on the way", edit(func(p []evidence.Point) []evidence.Point { p[3].Loss = math.Inf(1); return p }), 1500, "", "non-finite-loss", smooth(1500), 0.12, 0.005},
		{"up and down", edit(func(p []evidence.Point) []evidence.Point {
			for i := range p {
				p[i].Loss += 0.05 * float64(i%2)
			}
			return p
		}), 1500, "", "", smooth(1500), 0.25, 0.05},
		{"falls, then rises", edit(func(p []evidence.Point) []evidence.Point {
			for i := range p {
				p[i].Loss = 3 + 0.2*math.Pow(math.Log(float64(p[i].Step+1)/30), 2)
			}
			return p
		}), 400, "", "", 4.2, 0.6, 0.05},
		{"horizon of one step", edit(func(p []evidence.Point) []evidence.Point { return p }), 1, "", "", smooth(5), 0.7, 0},
		{"negative step", edit(func(p []evidence.Point) []evidence.Point { p[0].Step = -1; return p }), 1500, "negative", "", 0, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			trial := probe("x", fullMethod, early, smooth)
			trial.Outcome.EvalLoss = test.points
			forecasts, _, warnings, err := Arms(&evidence.Run{ID: "r", Trials: []evidence.TrialResult{trial}}, test.horizon)
			said := ""
			for _, w := range warnings {
				said += w.Code + ": " + w.Text + "\n"
			}
			if test.refused != "" {
				if err == nil || !strings.Contains(said, test.refused) {
					t.Fatalf("not refused: %v\n%s", err, said)
				}
				return
			}
			if err != nil || !strings.Contains(said, test.warned) {
				t.Fatalf("%v; warnings:\n%s", err, said)
			}
			if d := forecasts[0].Loss; math.Abs(d.Mean-test.mean) > test.within || d.P90-d.P10 < test.wide {
				t.Errorf("forecast %+v, want %v within %v", d, test.mean, test.within)
			}
		})
	}
}

func TestLostTrialsAreNotExtrapolated(t *testing.T) {
	full := probe("full", fullMethod, early, power(2, 2, 0.4))
	full.Outcome.Status = evidence.Diverged
	lora := probe("lora", loraMethod, early, power(2.4, 1.5, 0.4))
	forecasts, gaps, warnings, err := Arms(&evidence.Run{Trials: []evidence.TrialResult{full, lora}}, 1500)
	if err != nil || len(forecasts) != 1 || len(gaps) != 0 || len(warnings) != 1 {
		t.Errorf("%d forecasts, %d gaps, %v, %v", len(forecasts), len(gaps), warnings, err)
	}
}

func TestSeedsAreAveragedForGaps(t *testing.T) {
	shifted := func(by float64) func(int) float64 { return func(s int) float64 { return power(2, 2, 0.4)(s) + by } }
	run := &evidence.Run{Trials: []evidence.TrialResult{
		probe("full-1", fullMethod, early, shifted(0.3)), probe("full-2", fullMethod, early, shifted(-0.3)),
		probe("lora", loraMethod, early, shifted(0.1)),
	}}
	forecasts, gaps, _, err := Arms(run, 1500)
	if err != nil || len(forecasts) != 3 || len(gaps) != 1 {
		t.Fatal(len(forecasts), len(gaps), err)
	}
	if got := gaps[0].AtHorizon.Mean; math.Abs(got-0.1) > 0.02 {
		t.Errorf("gap %v, want 0.1: the lucky seed must not stand for its method", got)
	}
}

func TestDifferentStepsAreRealigned(t *testing.T) {
	full := probe("full", fullMethod, early, power(2, 2, 0.4))
	lora := probe("lora", loraMethod, early, power(2.3, 2, 0.4))
	lora.Outcome.EvalLoss = append(lora.Outcome.EvalLoss[:3], lora.Outcome.EvalLoss[4:]...)
	_, gaps, _, err := Arms(&evidence.Run{Trials: []evidence.TrialResult{full, lora}}, 1500)
	if err != nil || gaps[0].PFullBetter < 0.9 {
		t.Errorf("%+v, %v: one missing evaluation must not cost the pairing", gaps, err)
	}
}

func TestArmsAreFiniteOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		losses := rapid.SliceOfN(rapid.Float64Range(0, 12), 2, 14).Draw(t, "losses")
		other := rapid.SliceOfN(rapid.Float64Range(0, 12), len(losses), len(losses)).Draw(t, "other")
		horizon := rapid.IntRange(1, 20000).Draw(t, "horizon")
		curve := func(id string, m evidence.Method, losses []float64) evidence.TrialResult {
			trial := probe(id, m, []int{0}, func(int) float64 { return 0 })
			trial.Outcome.EvalLoss = nil
			for i, l := range losses {
				trial.Outcome.EvalLoss = append(trial.Outcome.EvalLoss, evidence.Point{Step: i * (i + 3), Loss: l})
			}
			return trial
		}
		run := &evidence.Run{Trials: []evidence.TrialResult{curve("full", fullMethod, losses), curve("lora", loraMethod, other)}}
		forecasts, gaps, _, err := Arms(run, horizon)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal([]any{forecasts, gaps}); err != nil {
			t.Fatal(err)
		}
		for _, f := range forecasts {
			if d := f.Loss; !(d.P10 <= d.P50 && d.P50 <= d.P90) || f.BestLoss.Mean > f.Loss.Mean+0.01 || f.BestStep > horizon {
				t.Fatalf("%+v", f)
			}
		}
		if p := gaps[0].PFullBetter; p < 0 || p > 1 {
			t.Fatalf("probability %v", p)
		}
	})
}

func BenchmarkArms(b *testing.B) {
	run := &evidence.Run{Trials: []evidence.TrialResult{probe("full", fullMethod, early, power(2, 2, 0.4))}}
	for i := 1; i <= 3; i++ {
		m := loraMethod
		m.Rank = 8 * i
		run.Trials = append(run.Trials, probe("lora", m, early, power(2+0.1*float64(i), 2, 0.4)))
	}
	for b.Loop() {
		if _, _, _, err := Arms(run, 1500); err != nil {
			b.Fatal(err)
		}
	}
}
