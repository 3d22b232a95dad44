package calibrate_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
)

func TestEventsSurviveTheirLine(t *testing.T) {
	accuracy := 0.75
	for _, want := range []calibrate.Event{
		calibrate.TrialStarted{Trial: "full", TrainableParams: 10, TotalParams: 20, MicroBatch: 4, Accumulation: 2},
		calibrate.StepDone{Trial: "full", Step: 3, Loss: 2.5, GradNorm: 0.1, LearningRate: 1e-4, Seconds: 0.2, Tokens: 64, Warm: true},
		calibrate.StepDone{Trial: "full", Step: 4, Loss: math.NaN(), GradNorm: math.NaN()},
		calibrate.EvalDone{Trial: "full", Step: 3, Set: calibrate.SetHeldOut, Loss: 2.25, Tokens: 100, Seconds: 1, Accuracy: &accuracy},
		calibrate.EvalDone{Trial: "full", Step: 3, Set: calibrate.SetGeneral, Loss: math.NaN()},
		calibrate.MemoryMeasured{Trial: "full", PeakAllocatedBytes: 1, PeakReservedBytes: 2},
		calibrate.TrialEnded{Trial: "full", Status: evidence.Diverged, Reason: "step 4: loss is NaN", Steps: 4, Saved: "x"},
		calibrate.SpectrumMeasured{Trial: "full", Of: calibrate.OfGradient, Seconds: 0.5, Tokens: 8192, Total: 7, EmbeddingShare: 0.25,
			Weights: []calibrate.WeightSpectrum{{Name: "q", EffectiveRank: 12.5, StableRank: 3, TopShare: 0.5, Energy: 4, EnergyShare: 0.75}},
			Top:     []evidence.RankShare{{Rank: 1, Share: 0.25}}},
		calibrate.TokensMeasured{Trial: "full", HeldOut: evidence.TokenLosses{Tokens: 9, P90: 4}, BeyondGeneral: &accuracy},
		calibrate.LogLine{Level: "warning", Text: "a\nb"},
	} {
		line, err := calibrate.EncodeEvent(want)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(line), "\n") != 1 || strings.Contains(string(line), "NaN") && !strings.Contains(string(line), "loss is NaN") {
			t.Errorf("line %q", line)
		}
		got, err := calibrate.DecodeEvent(line)
		if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", line, err, diff)
		}
	}
}

func TestInfinityIsNull(t *testing.T) {
	line, err := calibrate.EncodeEvent(calibrate.StepDone{Trial: "full", Step: 1, Loss: 1, GradNorm: math.Inf(1)})
	if err != nil || !strings.Contains(string(line), `"grad_norm":null`) {
		t.Errorf("%s, %v", line, err)
	}
}

func TestDecodeEvent(t *testing.T) {
	if e, err := calibrate.DecodeEvent([]byte(`{"type":"heartbeat"}`)); e != nil || err != nil {
		t.Errorf("not an event: %v, %v", e, err)
	}
	for _, bad := range []string{``, `{}`, `null`, `{"type":"step","step":"one"}`, `{"type":"ended"`} {
		if e, err := calibrate.DecodeEvent([]byte(bad)); err == nil {
			t.Errorf("%q: %v", bad, e)
		}
	}
}
