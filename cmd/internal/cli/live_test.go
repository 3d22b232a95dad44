package cli

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
)

// scripted is a live view on a terminal of its own, whose clock the test moves.
type scripted struct {
	*live
	out    bytes.Buffer
	time   time.Time
	width  int
	height int
}

func newScripted(width int) *scripted {
	s := &scripted{time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), width: width, height: 24}
	s.live = newLive(voice{w: &s.out}, func() (int, int) { return s.width, s.height }, func() time.Time { return s.time })
	return s
}

// calibratedPlan is a small plan: full at two rates, LoRA at two, one of which diverged.
func calibratedPlan() *evidence.Run {
	lora := evidence.Method{Kind: evidence.LoRA, Rank: 8, Alpha: 16, Targets: evidence.AllLinear}
	run := &evidence.Run{ID: "01J", Plan: &evidence.Plan{PredictedSeconds: 600, ProbeSteps: 400}}
	run.Setup.HorizonSteps, run.Setup.BudgetSeconds = 2000, 900
	for _, t := range []struct {
		id   string
		m    evidence.Method
		rate float64
	}{
		{"full-3e-05", evidence.Method{Kind: evidence.Full}, 3e-5}, {"full-1e-04", evidence.Method{Kind: evidence.Full}, 1e-4},
		{"lora-5e-04", lora, 5e-4}, {"lora-5e-03", lora, 5e-3},
	} {
		run.Trials = append(run.Trials, evidence.TrialResult{
			Trial: evidence.Trial{ID: t.id, Stage: evidence.StageSearch, Method: t.m, LearningRate: t.rate, Steps: 80,
				Schedule: evidence.Schedule{Shape: evidence.Constant}},
			Outcome: evidence.Outcome{Status: evidence.Pending, EvalLoss: []evidence.Point{{Step: 0, Loss: 3.2}}},
		})
	}
	return run
}

// train lets the view hear of a trial from a step to a step, one second each.
func (s *scripted) train(id string, from, to int, floor float64) {
	s.Happened(calibrate.TrialStarted{Trial: id})
	for step := from + 1; step <= to; step++ {
		s.time = s.time.Add(time.Second)
		s.Happened(calibrate.StepDone{Trial: id, Step: step, Loss: 3, Seconds: 1, Tokens: 12_288})
		if step%20 == 0 {
			s.Happened(calibrate.EvalDone{Trial: id, Step: step, Set: calibrate.SetHeldOut, Loss: floor + (3.2-floor)*math.Pow(1+float64(step)/20, -0.5)})
		}
	}
	s.time = s.time.Add(time.Second)
}

// story shows the view at the search, after it, in the probe and at the end.
func story(s *scripted) string {
	var b strings.Builder
	show := func(when string) {
		fmt.Fprintf(&b, "-- %s, %d columns --\n%s\n", when, s.width, strings.Join(s.frame(s.width, s.height), "\n"))
	}
	run := calibratedPlan()
	s.Planned(run)
	show("planned")
	s.train("full-3e-05", 0, 40, 2.4)
	s.train("full-1e-04", 0, 40, 2.2)
	s.Happened(calibrate.TrialStarted{Trial: "lora-5e-03"})
	s.train("lora-5e-04", 0, 30, 2.1)
	s.Happened(calibrate.TrialEnded{Trial: "lora-5e-03", Status: evidence.Diverged, Steps: 7, Reason: "loss not finite\x1b[2J"})
	show("search")
	for _, i := range []int{1, 2} {
		run.Trials[i].Stage, run.Trials[i].Steps, run.Trials[i].Outcome.Status = evidence.StageProbe, 400, evidence.Paused
		run.Trials[i].Outcome.Steps = 40
	}
	run.Trials[0].Outcome.Status, run.Trials[3].Outcome.Status = evidence.Dropped, evidence.Diverged
	s.Planned(run)
	s.train("full-1e-04", 40, 400, 2.2)
	s.train("lora-5e-04", 40, 200, 2.1)
	show("probe")
	s.close()
	show("end")
	return b.String()
}

func TestLiveFrames(t *testing.T) {
	var got strings.Builder
	for _, width := range []int{20, 60, 120} {
		got.WriteString(story(newScripted(width)))
	}
	path := filepath.Join("testdata", "live.golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("the live view differs; run go test ./cmd/internal/cli -update\n%s", diff)
	}
}

// TestLiveAccuracy: data that have an accuracy get a column for it, the others none.
func TestLiveAccuracy(t *testing.T) {
	s := newScripted(100)
	s.Planned(calibratedPlan())
	s.train("full-1e-04", 0, 20, 2.2)
	if frame := strings.Join(s.frame(100, 24), "\n"); strings.Contains(frame, "RIGHT") {
		t.Errorf("a column without content:\n%s", frame)
	}
	s.Happened(calibrate.EvalDone{Trial: "full-1e-04", Step: 21, Set: calibrate.SetHeldOut, Loss: 2, Accuracy: new(0.875)})
	if frame := strings.Join(s.frame(100, 24), "\n"); !strings.Contains(frame, "RIGHT") || !strings.Contains(frame, "87.5 %") {
		t.Errorf("no accuracy:\n%s", frame)
	}
	run := calibratedPlan()
	run.Trials[2].Outcome.EvalAccuracy = []evidence.Point{{Step: 4, Loss: 0.25}}
	s.Planned(run)
	if frame := strings.Join(s.frame(100, 24), "\n"); !strings.Contains(frame, "25.0 %") {
		t.Errorf("no accuracy of a run that goes on:\n%s", frame)
	}
}

func TestLiveFitsEveryTerminal(t *testing.T) {
	s := newScripted(80)
	s.Planned(calibratedPlan())
	s.train("full-1e-04", 0, 80, 2.2)
	for width := narrowest; width <= 200; width++ {
		for height := 1; height <= 8; height++ {
			frame := s.frame(width, height)
			if len(frame) > max(1, height-1) {
				t.Errorf("%d lines on %d rows", len(frame), height)
			}
			for _, line := range frame {
				if n := utf8.RuneCountInString(line); n > width {
					t.Errorf("%d columns on %d: %q", n, width, line)
				}
			}
		}
	}
}

// Whatever comes in, the terminal is drawn on four times a second at most.
func TestLiveIsCalm(t *testing.T) {
	s := newScripted(80)
	s.Planned(calibratedPlan())
	for step := range 1000 {
		s.time = s.time.Add(10 * time.Millisecond)
		s.Happened(calibrate.StepDone{Trial: "full-1e-04", Step: step + 1, Seconds: 0.01, Tokens: 100})
	}
	if n := strings.Count(s.out.String(), "\x1b[J"); n < 35 || n > 41 {
		t.Errorf("drawn %d times in 10 seconds", n)
	}
}

// Arms beyond the terminal's rows are counted.
func TestLiveOnFewRows(t *testing.T) {
	s := newScripted(40)
	run := calibratedPlan()
	for i := range run.Trials {
		run.Trials[i].Method.Rank = 1 << i
	}
	s.Planned(run)
	if frame := s.frame(40, 4); len(frame) != 3 || frame[2] != "and 3 more arms" {
		t.Errorf("got %q", frame)
	}
}

// A line of the log stands above the view, and nobody's escape codes reach the terminal.
func TestLiveKeepsLines(t *testing.T) {
	s := newScripted(80)
	story(s)
	text := s.out.String()
	if !strings.Contains(text, "\x1b[Jftadvise: search lora(r=8) at 0.005: diverged at step 7: loss not finite\\x1b[2J\n") {
		t.Errorf("the end of a trial is not told: %q", text)
	}
	if strings.Contains(text, "\x1b[1m") || strings.Contains(text, "\x1b[2m") {
		t.Error("painted without being asked")
	}
	s = newScripted(80)
	s.colour = true
	story(s)
	if !strings.Contains(s.out.String(), "\x1b[1mfull") {
		t.Error("the leading arm is not marked")
	}
}

func TestLiveClockStops(t *testing.T) {
	s := newScripted(80)
	s.watchClock()
	s.Planned(calibratedPlan())
	s.close()
	if n := strings.Count(s.out.String(), "\x1b[J"); n != 2 {
		t.Errorf("drawn %d times, not at the plan and at the end", n)
	}
}

func BenchmarkLiveForecast(b *testing.B) {
	s := newScripted(80)
	story(s)
	for b.Loop() {
		s.stale = true
		s.look()
	}
}

func TestProgressOffTerminal(t *testing.T) {
	a := &app{err: &bytes.Buffer{}, now: time.Now}
	if p, ok := a.newProgress().(*plain); !ok {
		t.Errorf("got %T", p)
	}
}
