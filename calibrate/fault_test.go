package calibrate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ftadvise/calibrate"
	"ftadvise/calibrate/enginetest"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// TestDeathAnywhereThenResume kills the engine once at many places, in every stage,
// and compares the resumed run with one that nobody disturbed.
func TestDeathAnywhereThenResume(t *testing.T) {
	whole := newBench(t, enginetest.Trap())
	want := whole.done(t)
	steps := 0
	for _, e := range whole.keeper.events {
		if _, ok := e.(calibrate.StepDone); ok {
			steps++
		}
	}
	for i := range 12 {
		at := i*steps/12 + 1
		t.Run(fmt.Sprint("step ", at), func(t *testing.T) {
			b := newBench(t, enginetest.Trap())
			b.script.Fail = once(at, &calibrate.EngineError{What: "killed by signal 9"})
			_, err := b.sit(context.Background())
			var dead *calibrate.EngineError
			if !errors.As(err, &dead) {
				t.Fatalf("got %v", err)
			}
			left, err := b.keeper.Load()
			if err != nil || left.State != evidence.Stopped {
				t.Fatalf("left as %v, %v", left.State, err)
			}
			if !hasStatus(left, evidence.EngineDied) {
				t.Error("no trial says that the engine died")
			}
			compareRuns(t, want, b.done(t))
		})
	}
}

// once fails at the n-th step of all and never again.
func once(n int, err error) func(evidence.Trial, int) error {
	count := 0
	return func(evidence.Trial, int) error {
		if count++; count == n {
			return err
		}
		return nil
	}
}

func hasStatus(run *evidence.Run, s evidence.Status) bool {
	for _, r := range run.Trials {
		if r.Outcome.Status == s {
			return true
		}
	}
	return false
}

// compareRuns compares what was trained and measured: trials, steps and losses.
func compareRuns(t *testing.T, want, got *evidence.Run) {
	t.Helper()
	type told struct {
		Trial       evidence.Trial
		Status      evidence.Status
		Steps       int
		Train, Eval []evidence.Point
	}
	tell := func(run *evidence.Run) map[string]told {
		out := map[string]told{}
		for _, r := range run.Trials {
			out[r.ID] = told{r.Trial, r.Outcome.Status, r.Outcome.Steps, r.Outcome.TrainLoss, r.Outcome.EvalLoss}
		}
		return out
	}
	if diff := cmp.Diff(tell(want), tell(got)); diff != "" {
		t.Errorf("undisturbed and resumed (-want +got):\n%.3000s", diff)
	}
	if diff := cmp.Diff(want.Gaps, got.Gaps); diff != "" {
		t.Errorf("gaps:\n%s", diff)
	}
	if diff := cmp.Diff(want.Domain, got.Domain); diff != "" {
		t.Errorf("domain: %s", diff)
	}
}

func TestCancelThenResume(t *testing.T) {
	begin := func(t *testing.T) *bench {
		b := newBench(t, enginetest.Trap())
		b.spec.Library = &forecast.Library{Drift: forecast.Drift{Exponent: 0.5}} // trunks begin anew after the search
		return b
	}
	cancelAt(t, begin, 2, 30, 150, 250, 300, 400, 700)
}

// TestCancelAmongSpares: spare arms and the second seed are taken up where they were left.
func TestCancelAmongSpares(t *testing.T) {
	cancelAt(t, func(t *testing.T) *bench {
		b := spareBench(t, 10*time.Minute)
		b.script = enginetest.Tie()
		b.script.Pass = b.clock.Pass
		b.spec.Seeds, b.spec.HorizonSteps = 0, 300
		return b
	}, 7, 12, 17, 400, 1100, 1500, 1650)
}

// cancelAt cancels a calibration after so many steps of all arms, resumes it, and compares
// it with one that nobody disturbed.
func cancelAt(t *testing.T, begin func(*testing.T) *bench, steps ...int) {
	t.Helper()
	want := begin(t).done(t)
	for _, at := range steps {
		t.Run(fmt.Sprint("step ", at), func(t *testing.T) {
			b := begin(t)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			count := 0
			b.watch.on = func(e calibrate.Event) {
				if _, ok := e.(calibrate.StepDone); ok {
					if count++; count == at {
						cancel()
					}
				}
			}
			_, err := b.sit(ctx)
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v", err)
			}
			left, err := b.keeper.Load()
			if err != nil || left.State != evidence.Stopped {
				t.Fatalf("left as %v, %v", left.State, err)
			}
			compareRuns(t, want, b.done(t))
		})
	}
}

func TestDoneRunIsLeftAlone(t *testing.T) {
	b := newBench(t, enginetest.Trap())
	b.done(t)
	before := string(b.keeper.data)
	b.done(t)
	if len(b.engine.Groups()) != 0 || string(b.keeper.data) != before {
		t.Error("a run that was done was trained or changed")
	}
}

func TestResumeWithOtherDataIsRefused(t *testing.T) {
	b := newBench(t, enginetest.Trap())
	b.script.Fail = once(100, &calibrate.EngineError{What: "dead"})
	_, _ = b.sit(context.Background())
	b.spec.Data.Fingerprint = "other"
	_, err := b.sit(context.Background())
	var input *calibrate.InputError
	if !errors.As(err, &input) {
		t.Errorf("got %v", err)
	}
}

func TestInputErrorAbandons(t *testing.T) {
	b := newBench(t, enginetest.Trap())
	b.script.Fail = once(1, &calibrate.InputError{Where: "lora", What: "no such module"})
	run, err := b.sit(context.Background())
	var input *calibrate.InputError
	if !errors.As(err, &input) || run.State != evidence.Abandoned || !warned(run, "failed") {
		t.Errorf("got %v, state %s", err, run.State)
	}
}

func TestEngineThatEndsWithoutAWord(t *testing.T) {
	b := newBench(t, enginetest.Trap())
	_, err := calibrate.RunAt(context.Background(), b.spec, mute{enginetest.New(b.script)}, b.keeper, b.watch, b.clock.Now)
	var dead *calibrate.EngineError
	if !errors.As(err, &dead) {
		t.Errorf("got %v", err)
	}
}

// mute is an engine that forgets to tell a trial's end.
type mute struct{ *enginetest.Engine }

func (m mute) Train(ctx context.Context, g calibrate.Group, observe func(calibrate.Event)) error {
	return m.Engine.Train(ctx, g, func(e calibrate.Event) {
		if _, ended := e.(calibrate.TrialEnded); !ended {
			observe(e)
		}
	})
}

func TestSaveThatFailsEndsTheRun(t *testing.T) {
	b := newBench(t, enginetest.Trap())
	full := errors.New("no space left on device")
	k := &failing{memory: b.keeper, after: 20, err: full}
	_, err := calibrate.RunAt(context.Background(), b.spec, enginetest.New(b.script), k, b.watch, b.clock.Now)
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if k.lines > 25 {
		t.Errorf("%d events after the disk was full", k.lines)
	}
}

// failing is a Keeper whose disk fills up.
type failing struct {
	*memory
	after int
	err   error
}

func (f *failing) AppendEvent(line []byte) error {
	if f.lines >= f.after {
		f.lines++
		return f.err
	}
	return f.memory.AppendEvent(line)
}

// TestEngineThatStopsShort is not asked for the same steps for ever.
func TestEngineThatStopsShort(t *testing.T) {
	b := newBench(t, enginetest.Trap())
	_, err := calibrate.RunAt(context.Background(), b.spec, lazy{enginetest.New(b.script)}, b.keeper, b.watch, b.clock.Now)
	var dead *calibrate.EngineError
	if !errors.As(err, &dead) || !strings.Contains(err.Error(), "as completed at step 0 of ") {
		t.Errorf("got %v", err)
	}
}

// lazy is an engine that says completed of what it has not begun.
type lazy struct{ *enginetest.Engine }

func (l lazy) Train(_ context.Context, g calibrate.Group, observe func(calibrate.Event)) error {
	for _, s := range g.Segments {
		observe(calibrate.TrialEnded{Trial: s.Trial.ID, Status: evidence.Completed})
	}
	return nil
}
