package worker_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ftadvise/calibrate"
	"ftadvise/calibrate/enginetest"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/worker"
)

func group(steps int) calibrate.Group {
	return calibrate.Group{MicroBatch: 2, Accumulation: 1, DataSeed: 1, Segments: []calibrate.Segment{{
		Trial:  evidence.Trial{ID: "full", Method: evidence.Method{Kind: evidence.Full}, LearningRate: 1e-4},
		ToStep: steps, EvalSteps: []int{0, steps},
	}}}
}

func TestEngineInAChildConforms(t *testing.T) {
	enginetest.Conformance(t, func(t *testing.T) enginetest.Subject {
		return enginetest.Subject{
			Engine: start(t, "slow", worker.Options{}),
			Group:  calibrate.Group{MicroBatch: 2, Accumulation: 1, DataSeed: 1},
			LoRA:   evidence.Method{Kind: evidence.LoRA, Rank: 8, Alpha: 16, Targets: evidence.AllLinear},
			Rate:   1e-4,
		}
	})
}

// TestWireChangesNothing compares the events of a child with those of the same
// engine without one.
func TestWireChangesNothing(t *testing.T) {
	direct, wired := collect(t, enginetest.New(enginetest.Trap())), collect(t, start(t, "plain", worker.Options{}))
	if diff := cmp.Diff(direct, wired); diff != "" {
		t.Errorf("direct and by child (-direct +child):\n%s", diff)
	}
}

func collect(t *testing.T, engine calibrate.Engine) []calibrate.Event {
	t.Helper()
	var events []calibrate.Event
	if err := engine.Train(context.Background(), group(20), func(e calibrate.Event) { events = append(events, e) }); err != nil {
		t.Fatal(err)
	}
	return events
}

func TestFailuresBecomeEngineErrors(t *testing.T) {
	for _, c := range []struct{ mode, what, stderr string }{
		{"exit before hello", "exit status 3", "line 10\n"},
		{"hang before hello", "no heartbeat for 300ms", ""},
		{"garbage before hello", "talked nonsense", "notice"},
		{"kill", "signal 9 (killed)", "notice"},
		{"abort", "SIGABRT: abort", "terminate called"},
		{"exit", "exit status 1", "notice"},
		{"freeze", "no heartbeat for 300ms", "notice"},
		{"babble", "talked nonsense", "notice"},
		{"flood", "talked nonsense: line longer than", "notice"},
		{"unknown type", `unknown type "surprise"`, "notice"},
		{"broken", "internal assert failed", "notice"},
		{"panic", "index out of range", "notice"},
	} {
		t.Run(c.mode, func(t *testing.T) {
			t.Parallel()
			engine := start(t, c.mode, worker.Options{Stall: 300 * time.Millisecond})
			err := engine.Train(context.Background(), group(20), func(calibrate.Event) {})
			var failed *calibrate.EngineError
			if !errors.As(err, &failed) {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(failed.Error(), c.what) {
				t.Errorf("says %q, want %q", failed.Error(), c.what)
			}
			if !strings.Contains(failed.Stderr, c.stderr) || strings.Count(failed.Stderr, "\n") >= 50 {
				t.Errorf("stderr: %q", failed.Stderr)
			}
		})
	}
}

func TestTrainingThatHangsBehindItsHeartbeat(t *testing.T) {
	t.Parallel()
	engine := start(t, "hang", worker.Options{Quiet: time.Second})
	err := engine.Train(context.Background(), group(20), func(calibrate.Event) {})
	var failed *calibrate.EngineError
	if !errors.As(err, &failed) || !strings.Contains(failed.What, "without progress for 1s") {
		t.Errorf("got %v", err)
	}
}

func TestBabbleIsKept(t *testing.T) {
	var babble bytes.Buffer
	engine := start(t, "babble", worker.Options{Babble: &babble})
	_ = engine.Train(context.Background(), group(20), func(calibrate.Event) {})
	if got := babble.String(); got != "rubbish \x00\xff\n" {
		t.Errorf("kept %q", got)
	}
}

func TestErrorsCrossTheWire(t *testing.T) {
	engine := start(t, "input", worker.Options{})
	err := engine.Train(context.Background(), group(20), func(calibrate.Event) {})
	var input *calibrate.InputError
	if !errors.As(err, &input) {
		t.Fatalf("got %v", err)
	}
	want := calibrate.InputError{Where: "model.safetensors", What: "tensor x is truncated", Hint: "fetch it again"}
	if diff := cmp.Diff(want, *input); diff != "" {
		t.Error(diff)
	}
	for mode, want := range map[string]calibrate.EnvironmentError{
		"environment":   {What: "the GPU fell off the bus", Hint: "look at dmesg"},
		"no libtorch":   {What: "no libtorch", Hint: "make setup"},
		"other version": {What: os.Args[0] + " speaks protocol 99, not 1", Hint: "build ftadvise and ftadvise-engine from the same source: make build"},
	} {
		engine := start(t, mode, worker.Options{})
		err := engine.Train(context.Background(), group(20), func(calibrate.Event) {})
		var got *calibrate.EnvironmentError
		if !errors.As(err, &got) || *got != want {
			t.Errorf("%s: got %v, want %v", mode, err, want)
		}
	}
}

func TestNoProgram(t *testing.T) {
	engine := worker.Start("/nonexistent/ftadvise-engine", worker.Options{})
	_, err := engine.Info(context.Background())
	var env *calibrate.EnvironmentError
	if !errors.As(err, &env) || !strings.Contains(env.Hint, "--engine") {
		t.Errorf("got %v", err)
	}
}

func TestFreshChildAfterDeath(t *testing.T) {
	engine := start(t, "kill", worker.Options{})
	for range 2 {
		var failed *calibrate.EngineError
		if err := engine.Train(context.Background(), group(20), func(calibrate.Event) {}); !errors.As(err, &failed) {
			t.Fatalf("got %v", err)
		}
	}
	if err := engine.Train(context.Background(), group(2), func(calibrate.Event) {}); err != nil {
		t.Errorf("a group that ends before the fault: %v", err)
	}
}

func TestChildThatDoesNotStopIsKilled(t *testing.T) {
	engine := start(t, "hang", worker.Options{Grace: 200 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	err := engine.Train(ctx, group(20), func(e calibrate.Event) {
		if step, ok := e.(calibrate.StepDone); ok && step.Step == 2 {
			cancel()
		}
	})
	var failed *calibrate.EngineError
	if !errors.As(err, &failed) || !strings.Contains(failed.What, "did not stop within 200ms") {
		t.Errorf("got %v", err)
	}
}

func TestCancelledBeforeStart(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := start(t, "plain", worker.Options{}).Info(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestStderrIsPassedOn(t *testing.T) {
	var log bytes.Buffer
	engine := start(t, "plain", worker.Options{Stderr: &log})
	if _, err := engine.Info(context.Background()); err != nil {
		t.Fatal(err)
	}
	_ = engine.Close() // waits for the child, and so for its stderr
	if !strings.Contains(log.String(), "a library's notice") {
		t.Errorf("got %q", log.String())
	}
}
