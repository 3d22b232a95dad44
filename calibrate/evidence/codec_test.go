package evidence_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"ftadvise/calibrate/evidence"
)

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.Custom(drawRun).Draw(t, "run")
		data, err := evidence.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := evidence.Decode(data)
		if err != nil {
			t.Fatalf("%v in %s", err, data)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("written and read back (-want +got):\n%s", diff)
		}
	})
}

// drawRun draws what matters to a codec: every shape of field, not every field.
func drawRun(t *rapid.T) *evidence.Run {
	number := rapid.Float64Range(-1e9, 1e9)
	point := rapid.Custom(func(t *rapid.T) evidence.Point {
		return evidence.Point{Step: rapid.IntRange(0, 1e6).Draw(t, "step"), Loss: number.Draw(t, "loss")}
	})
	run := &evidence.Run{
		Schema:    evidence.SchemaVersion,
		ID:        rapid.StringMatching(`[0-9A-Z]{26}`).Draw(t, "id"),
		CreatedAt: time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "at"), 0).UTC(),
		State:     rapid.SampledFrom([]evidence.State{evidence.Running, evidence.Done}).Draw(t, "state"),
		Data:      evidence.Data{Name: rapid.String().Draw(t, "name")},
	}
	if rapid.Bool().Draw(t, "measured") {
		loss := number.Draw(t, "base")
		run.Domain.BaseLoss = &loss
		run.FinishedAt = run.CreatedAt.Add(time.Minute)
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "trials") {
		trial := evidence.TrialResult{Trial: evidence.Trial{
			ID: fmt.Sprintf("lora-%d", i), Stage: evidence.StageProbe, LearningRate: number.Draw(t, "rate"),
			Method: evidence.Method{Kind: evidence.LoRA, Rank: i + 1, Alpha: number.Draw(t, "alpha")},
		}}
		if points := rapid.SliceOf(point).Draw(t, "points"); len(points) > 0 {
			trial.Outcome.EvalLoss = points
		}
		run.Trials = append(run.Trials, trial)
	}
	return run
}

func TestEncodeNamesWhatIsNotFinite(t *testing.T) {
	nan := math.NaN()
	for want, spoil := range map[string]func(*evidence.Run){
		"seconds":                             func(r *evidence.Run) { r.Seconds = math.Inf(1) },
		"domain.base_loss":                    func(r *evidence.Run) { r.Domain.BaseLoss = &nan },
		"trials[1].learning_rate":             func(r *evidence.Run) { r.Trials[1].LearningRate = nan },
		"trials[0].outcome.eval_loss[0].loss": func(r *evidence.Run) { r.Trials[0].Outcome.EvalLoss[0].Loss = nan },
		"forecasts[0].weight.hill":            func(r *evidence.Run) { r.Forecasts[0].Weight["hill"] = nan },
		"trials[0].outcome.step_seconds.p10":  func(r *evidence.Run) { r.Trials[0].Outcome.StepSeconds.P10 = -math.Inf(1) },
	} {
		run := &evidence.Run{Trials: make([]evidence.TrialResult, 2),
			Forecasts: []evidence.Forecast{{Weight: map[string]float64{"hill": 1}}}}
		run.Trials[0].Outcome.EvalLoss = []evidence.Point{{}}
		spoil(run)
		if data, err := evidence.Encode(run); err == nil || !strings.Contains(err.Error(), want+" ") {
			t.Errorf("%s: got %d bytes and %v", want, len(data), err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, c := range map[string]struct{ data, where, what string }{
		"empty":       {"", "line 1, column 1", "not whole JSON"},
		"truncated":   {"{\"schema\": 1,\n\"id\": \"a", "line 2", "not whole JSON"},
		"no schema":   {`{"id": "a"}`, "", "no schema number"},
		"newer":       {`{"schema": 2, "trials": "of another kind"}`, "", "schema 2"},
		"wrong type":  {`{"schema": 1, "seconds": "long"}`, "line 1", "seconds holds a string"},
		"more behind": {`{"schema": 1} {}`, "line 1", ""},
		"twice":       {`{"schema": 1, "trials": [{"id": "a"}, {"id": "a"}]}`, "", `named "a"`},
	} {
		_, err := evidence.Decode([]byte(c.data))
		var format *evidence.FormatError
		if !errors.As(err, &format) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		if !strings.HasPrefix(format.Where, c.where) || !strings.Contains(format.What, c.what) {
			t.Errorf("%s: got %q, %q", name, format.Where, format.What)
		}
		if format.Newer != (name == "newer") {
			t.Errorf("%s: newer is %v", name, format.Newer)
		}
	}
}

func TestDecodeLetsPassWhatItDoesNotKnow(t *testing.T) {
	run, err := evidence.Decode([]byte(`{"schema": 1, "id": "a", "later": {"b": 1}}`))
	if err != nil || run.ID != "a" {
		t.Errorf("got %v, %v", run, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"schema": 1, "id": "a", "trials": [{"id": "x", "outcome": {"eval_loss": [{"step": 1, "loss": 2}]}}]}`))
	f.Add([]byte(`{"schema": 1e999}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		run, err := evidence.Decode(data)
		if err != nil {
			return
		}
		out, err := evidence.Encode(run)
		if err != nil {
			t.Fatalf("read but not written: %v", err)
		}
		again, err := evidence.Decode(out)
		if err != nil {
			t.Fatalf("written but not read: %v", err)
		}
		run.Schema = evidence.SchemaVersion
		if diff := cmp.Diff(run, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}
