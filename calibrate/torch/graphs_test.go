package torch

import (
	"errors"
	"strings"
	"testing"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
)

// tape captures by keeping the work and runs it again at each replay, as a CUDA graph
// would: with the tensors, and the host's numbers, of the capture.
type tape struct {
	captured, replays int
	broken            error // what the next capture ends in
}

type tapedWork struct {
	tape *tape
	work func() error
}

func (t *tape) Capture(work func() error) (replayed, error) {
	if t.broken != nil {
		return nil, t.broken
	}
	t.captured++
	return tapedWork{t, work}, nil
}

func (t *tape) Free() {}

func (w tapedWork) Replay() error {
	w.tape.replays++
	return w.work()
}

func (w tapedWork) Free() {}

func full(id string, steps int, evals ...int) calibrate.Segment {
	return calibrate.Segment{
		Trial:  evidence.Trial{ID: id, Stage: evidence.StageProbe, Method: evidence.Method{Kind: evidence.Full}, LearningRate: 3e-3, Seed: 1},
		ToStep: steps, EvalSteps: evals,
	}
}

// issueEach captures nothing, and keeps a step the single pass that could be captured.
func issueEach() recorder { return nil }

// TestReplayedSteps holds steps that are captured once and replayed equal to steps that
// are issued each time: what changes from step to step must reach the work by tensors.
func TestReplayedSteps(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*calibrate.Group)
		capture int // micro-batches of the first and of later places in a step, and the optimizer
	}{
		"full":         {func(g *calibrate.Group) { g.Segments = []calibrate.Segment{full("a", 12, 0, 6, 12)} }, 2},
		"accumulation": {func(g *calibrate.Group) { g.Segments, g.Accumulation = []calibrate.Segment{full("a", 8, 8)}, 3 }, 3},
		"schedule": {func(g *calibrate.Group) {
			g.Segments = []calibrate.Segment{full("a", 12, 12)}
			g.Segments[0].Trial.Schedule = evidence.Schedule{Shape: evidence.Linear, WarmupSteps: 3, TotalSteps: 12}
			g.Optimizer.WeightDecay = 0.1
		}, 2},
		"checkpointing": {func(g *calibrate.Group) { g.Segments, g.Checkpointing = []calibrate.Segment{full("a", 6, 6)}, true }, 2},
		"one arm":       {func(g *calibrate.Group) { g.Segments = []calibrate.Segment{searchArm("a", 3, 1e-2, 1)} }, 2},
		"three arms": {func(g *calibrate.Group) {
			g.Segments = []calibrate.Segment{searchArm("a", 2, 3e-3, 1), searchArm("b", 4, 1e-2, 2), searchArm("c", 3, 3e-2, 3)}
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t)
			group := parityTask(t, "gpt2")
			group.Device = "cpu"
			c.change(&group)
			e.recorder = issueEach
			issued := trainAll(t, e, group)
			var told tape
			e.recorder = func() recorder { return &told }
			for id, replayed := range trainAll(t, e, group) {
				if worst := apart(issued[id].losses, replayed.losses) + apart(issued[id].evals, replayed.evals); worst > 0 {
					t.Errorf("arm %s is %g nats off", id, worst)
				}
			}
			if told.captured != c.capture || told.replays == 0 {
				t.Errorf("%d captures and %d replays, want %d captures", told.captured, told.replays, c.capture)
			}
		})
	}
}

// TestNoCaptureOfDropout lets every step of an arm with dropout be issued anew.
func TestNoCaptureOfDropout(t *testing.T) {
	e := newEngine(t)
	group := parityTask(t, "llama")
	group.Device = "cpu"
	group.Segments = []calibrate.Segment{searchArm("a", 2, 1e-2, 1)}
	group.Segments[0].Trial.Method.Dropout = 0.2
	var told tape
	e.recorder = func() recorder { return &told }
	trainAll(t, e, group)
	if told.captured != 1 {
		t.Errorf("%d captures, want the optimizer's alone", told.captured)
	}
}

// TestBrokenCapture lets capturing fail: training goes on as if there were none, and
// says so once.
func TestBrokenCapture(t *testing.T) {
	e := newEngine(t)
	group := parityTask(t, "llama")
	group.Device = "cpu"
	group.Segments = []calibrate.Segment{full("a", 8, 8)}
	e.recorder = issueEach
	want := trainAll(t, e, group)["a"].losses
	e.recorder = func() recorder { return &tape{broken: errors.New("operation not permitted when stream is capturing")} }
	var losses []float64
	var warnings []string
	err := e.Train(t.Context(), group, func(event calibrate.Event) {
		switch x := event.(type) {
		case calibrate.StepDone:
			losses = append(losses, x.Loss)
		case calibrate.LogLine:
			if x.Level == "warning" {
				warnings = append(warnings, x.Text)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if worst := apart(want, losses); worst > 0 {
		t.Errorf("%g nats off", worst)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "not permitted when stream is capturing") {
		t.Errorf("warnings %q", warnings)
	}
}

func TestGraphsAreBounded(t *testing.T) {
	var told tape
	g := &graphs{recorder: &told, known: map[unit]replayed{}, clear: func() error { return nil }}
	ran := 0
	for range 3 {
		for i := range int64(mostGraphs + 5) {
			if err := g.run(unit{taken: i}, true, func() error { ran++; return nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	if told.captured != mostGraphs || ran != 3*(mostGraphs+5) {
		t.Errorf("%d captures, %d runs", told.captured, ran)
	}
}
