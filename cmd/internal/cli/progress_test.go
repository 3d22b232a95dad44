package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
)

// tell lets a progress hear of one trial of a few steps, five seconds each.
func tell(t *testing.T, width int, quiet bool) string {
	t.Helper()
	var out bytes.Buffer
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p := &progress{
		voice: voice{w: &out, quiet: quiet}, width: width,
		now: func() time.Time { return now }, trials: map[string]evidence.Trial{},
	}
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
	p.Happened(calibrate.TrialEnded{Trial: "full", Status: evidence.Completed, Steps: 6})
	return out.String()
}

func TestProgressOffTerminal(t *testing.T) {
	got := tell(t, 0, false)
	want := `ftadvise: probe full at 0.0001  loss 3.000  10 k tokens/s  step 2 of 6
ftadvise: probe full at 0.0001  loss 3.000  10 k tokens/s  step 4 of 6
ftadvise: probe full at 0.0001  loss 3.000  10 k tokens/s  step 6 of 6
ftadvise: warning: hot\x1b[31m
ftadvise: probe full at 0.0001: completed at step 6 of 6, held-out loss 2.5000
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestProgressOnTerminal(t *testing.T) {
	for _, width := range []int{20, 80, 200} {
		got := tell(t, width, false)
		if !strings.Contains(got, "\r") || !strings.HasSuffix(got, "completed at step 6 of 6, held-out loss 2.5000\n") {
			t.Errorf("width %d: %q", width, got)
		}
	}
}

func TestProgressQuiet(t *testing.T) {
	for _, width := range []int{0, 80} {
		if got := tell(t, width, true); got != "ftadvise: warning: hot\\x1b[31m\n" {
			t.Errorf("width %d: %q", width, got)
		}
	}
}
