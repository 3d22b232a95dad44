package forecast

import (
	"errors"
	"math"
	"testing"

	"ftadvise/calibrate/evidence"
)

func probe(id string, m evidence.Method, steps []int, loss func(int) float64) evidence.TrialResult {
	t := evidence.TrialResult{Trial: evidence.Trial{ID: id, Stage: evidence.StageProbe, Method: m, Steps: steps[len(steps)-1],
		Schedule: evidence.Schedule{Shape: evidence.Constant}}}
	t.Outcome.Status = evidence.Completed
	for _, s := range steps {
		t.Outcome.EvalLoss = append(t.Outcome.EvalLoss, evidence.Point{Step: s, Loss: loss(s)})
	}
	return t
}

var (
	fullMethod = evidence.Method{Kind: evidence.Full}
	loraMethod = evidence.Method{Kind: evidence.LoRA, Rank: 8, Alpha: 16, Targets: evidence.AllLinear}
	early      = []int{0, 5, 10, 20, 40, 80, 120, 160, 200}
)

func power(floor, size, rate float64) func(int) float64 {
	return func(step int) float64 { return floor + size*math.Pow(float64(step)+10, -rate) }
}

func TestArmsForecastsProbes(t *testing.T) {
	run := &evidence.Run{ID: "r", Trials: []evidence.TrialResult{
		probe("full", fullMethod, early, power(2, 2, 0.4)),
		probe("lora", loraMethod, early, power(2.4, 1.5, 0.4)),
	}}
	forecasts, gaps, warnings, err := Arms(run, 1500)
	if err != nil || len(warnings) != 0 || len(forecasts) != 2 || len(gaps) != 1 {
		t.Fatalf("got %d forecasts, %d gaps, %v, %v", len(forecasts), len(gaps), warnings, err)
	}
	if g := gaps[0]; g.PFullBetter < 0.5 || g.AtHorizon.Mean < 0 {
		t.Errorf("full is better, yet the gap is %+v", g)
	}
	for _, f := range forecasts {
		if !(f.Loss.P10 <= f.Loss.P50 && f.Loss.P50 <= f.Loss.P90) || f.SeenSteps != 200 {
			t.Errorf("%s: %+v", f.Trial, f)
		}
	}
}

func TestArmsMeasuredAtHorizon(t *testing.T) {
	run := &evidence.Run{ID: "r", Trials: []evidence.TrialResult{
		probe("full", fullMethod, early, power(2, 2, 0.4)),
		probe("lora", loraMethod, early, power(2.4, 1.5, 0.4)),
	}}
	forecasts, gaps, _, err := Arms(run, 160)
	if err != nil {
		t.Fatal(err)
	}
	if gaps[0].Regime != evidence.Measured {
		t.Errorf("regime %q", gaps[0].Regime)
	}
	if want := power(2, 2, 0.4)(160); math.Abs(forecasts[0].Loss.Mean-want) > 1e-9 {
		t.Errorf("mean %v, want the measured %v", forecasts[0].Loss.Mean, want)
	}
}

func TestArmsRefusals(t *testing.T) {
	none := &evidence.Run{ID: "r"}
	if _, _, _, err := Arms(none, 100); !errors.As(err, new(*Error)) {
		t.Errorf("no trials: %v", err)
	}
	if _, _, _, err := Arms(none, 0); !errors.As(err, new(*Error)) {
		t.Errorf("no horizon: %v", err)
	}
	nan := &evidence.Run{ID: "r", Trials: []evidence.TrialResult{
		probe("full", fullMethod, early, func(s int) float64 {
			if s == 200 {
				return math.NaN()
			}
			return 2
		})}}
	_, _, warnings, err := Arms(nan, 1000)
	if err == nil || len(warnings) == 0 {
		t.Errorf("diverged probe: %v, %v", warnings, err)
	}
}
