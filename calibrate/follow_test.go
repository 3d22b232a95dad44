package calibrate_test

import (
	"math"
	"testing"

	"ftadvise/calibrate/enginetest"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// TestRanksShareASearch: the second rank trains at the first one's rate, scaled to its
// rank, and searches nothing; an adapter of another kind searches for itself.
func TestRanksShareASearch(t *testing.T) {
	lora32 := lora8
	lora32.Rank, lora32.Alpha = 32, 64
	other := lora8
	other.Variant = evidence.RsLoRA
	b := newBench(t, enginetest.Trap())
	b.spec.LoRA = []evidence.Method{lora8, lora32, other}
	b.spec.Budget *= 2
	run := b.done(t)
	first, second := only(t, run, evidence.StageProbe, lora8), only(t, run, evidence.StageProbe, lora32)
	if ratio := first.LearningRate / second.LearningRate; math.Abs(ratio-2) > 0.02 {
		t.Errorf("rates %v and %v", first.LearningRate, second.LearningRate)
	}
	if n := len(pick(run, evidence.StageSearch, lora32)); n != 0 {
		t.Errorf("%d rates searched for the second rank", n)
	}
	if n := len(pick(run, evidence.StageSearch, other)); n == 0 {
		t.Error("no rate searched for another variant")
	}
	if first.Outcome.Steps != second.Outcome.Steps {
		t.Errorf("trunks of %d and %d steps", first.Outcome.Steps, second.Outcome.Steps)
	}
	checkBudget(t, b, run)
}

// TestTrunkAtTheProbesRate: where finished curves say that the best rate falls with the
// steps, the trunk begins anew at a lower rate than the search's winner, and the rate
// advised for the horizon is lower still.
func TestTrunkAtTheProbesRate(t *testing.T) {
	b := newBench(t, enginetest.Trap())
	b.spec.Library = &forecast.Library{Drift: forecast.Drift{Exponent: 0.5}}
	run := b.done(t)
	trunk := only(t, run, evidence.StageProbe, full)
	end := float64(run.Plan.RungSteps[len(run.Plan.RungSteps)-1])
	want := 1e-4 * math.Sqrt(end/float64(run.Plan.ProbeSteps))
	if ratio := trunk.LearningRate / want; ratio < 0.8 || ratio > 1.25 {
		t.Errorf("trunk at %v, want %v", trunk.LearningRate, want)
	}
	advised := math.Sqrt(trunk.LearningRate * math.Sqrt(float64(trunk.Outcome.Steps)/2000) * b.spec.RateFull)
	for _, f := range run.Forecasts {
		if ratio := f.RateToTrain() / advised; f.Method == full && (ratio < 0.98 || ratio > 1.02) {
			t.Errorf("advised %v, want %v", f.RateToTrain(), advised)
		}
	}
	if trunk.Outcome.Steps != run.Plan.ProbeSteps || trunk.Outcome.EvalLoss[1].Step > 20 {
		t.Errorf("trunk of %d steps, first evaluated at %d", trunk.Outcome.Steps, trunk.Outcome.EvalLoss[1].Step)
	}
	checkBudget(t, b, run)
}
