package cli

import (
	"bytes"
	"testing"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
)

// tell lets plain lines hear of one trial of a few steps, five seconds each.
func tell(t *testing.T, quiet bool) string {
	t.Helper()
	var out bytes.Buffer
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p := newPlain(voice{w: &out, quiet: quiet}, func() time.Time { return now })
	run := &evidence.Run{Trials: []evidence.TrialResult{{Trial: evidence.Trial{
		ID: "full", Stage: evidence.StageSearch, Method: evidence.Method{Kind: evidence.Full}, LearningRate: 1e-4, Steps: 4,
	}}}}
	p.Planned(run)
	run.Trials[0].Stage, run.Trials[0].Steps = evidence.StageProbe, 6 // the plan changed
	p.Planned(run)
	p.Happened(calibrate.TrialStarted{Trial: "full"})
	for step := 1; step <= 6; step++ {
		now = now.Add(5 * time.Second)
		p.Happened(calibrate.StepDone{Trial: "full", Step: step, Loss: 3, Seconds: 5, Tokens: 50_000})
	}
	p.Happened(calibrate.EvalDone{Trial: "full", Step: 6, Set: calibrate.SetHeldOut, Loss: 2.5})
	p.Happened(calibrate.EvalDone{Trial: "full", Step: 6, Set: calibrate.SetGeneral, Loss: 9})
	p.Happened(calibrate.LogLine{Level: "warning", Text: "hot\x1b[31m"})
	p.Happened(calibrate.TrialEnded{Trial: "full", Status: evidence.Completed, Steps: 3})
	p.Happened(calibrate.TrialEnded{Trial: "full", Status: evidence.Completed, Steps: 6})
	return out.String()
}

func TestPlainProgress(t *testing.T) {
	got := tell(t, false)
	want := `ftadvise: probe full at 0.0001  loss 3.000  10 k tokens/s  step 2 of 6
ftadvise: probe full at 0.0001  loss 3.000  10 k tokens/s  step 4 of 6
ftadvise: probe full at 0.0001  loss 3.000  10 k tokens/s  step 6 of 6
ftadvise: warning: hot\x1b[31m
ftadvise: probe full at 0.0001: step 3 of 6, held-out loss 2.5000
ftadvise: probe full at 0.0001: completed at step 6 of 6, held-out loss 2.5000
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestPlainProgressQuiet(t *testing.T) {
	if got := tell(t, true); got != "ftadvise: warning: hot\\x1b[31m\n" {
		t.Errorf("got %q", got)
	}
}

// Rates that train in one pass start together and end one after the other: each has
// its own loss.
func TestPlainProgressOfRatesInOnePass(t *testing.T) {
	var out bytes.Buffer
	p := newPlain(voice{w: &out}, func() time.Time { return time.Time{} })
	ids := []string{"low", "middle", "high"}
	for _, id := range ids {
		p.Happened(calibrate.TrialStarted{Trial: id})
	}
	for i, id := range ids {
		p.Happened(calibrate.EvalDone{Trial: id, Step: 5, Set: calibrate.SetHeldOut, Loss: 2 + float64(i)})
	}
	for _, id := range ids {
		p.Happened(calibrate.TrialEnded{Trial: id, Status: evidence.Paused, Steps: 5})
	}
	want := `ftadvise: low: paused at step 5, held-out loss 2.0000
ftadvise: middle: paused at step 5, held-out loss 3.0000
ftadvise: high: paused at step 5, held-out loss 4.0000
`
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
