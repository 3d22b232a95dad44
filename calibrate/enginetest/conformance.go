package enginetest

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
)

// Subject is an engine under test with a small real task for it.
type Subject struct {
	Engine calibrate.Engine
	Group  calibrate.Group // without segments
	LoRA   evidence.Method // an arm without dropout
	Rate   float64         // at which neither method diverges within a few steps
	// Tolerance in nats between two runs that do the same: 0 on a CPU.
	Tolerance float64
}

// Conformance checks that an engine keeps the contract of calibrate.Engine. The
// subjects that setup returns are closed by it.
func Conformance(t *testing.T, setup func(t *testing.T) Subject) {
	for name, check := range map[string]func(*testing.T, *subject){
		"info":               checkInfo,
		"events":             checkEvents,
		"same batches":       checkSameBatches,
		"resume":             checkResume,
		"branch":             checkBranch,
		"cancel":             checkCancel,
		"deadline":           checkDeadline,
		"train after close":  checkClose,
		"missing checkpoint": checkMissingCheckpoint,
		"measure":            checkMeasure,
	} {
		t.Run(name, func(t *testing.T) {
			s := &subject{Subject: setup(t), dir: t.TempDir()}
			t.Cleanup(func() {
				if err := s.Engine.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			check(t, s)
		})
	}
}

// subject is a Subject with a folder for its checkpoints.
type subject struct {
	Subject
	dir string
}

func (s *subject) trial(id string, m evidence.Method) evidence.Trial {
	return evidence.Trial{ID: id, Stage: evidence.StageProbe, Method: m, LearningRate: s.Rate,
		Schedule: evidence.Schedule{Shape: evidence.Constant, WarmupSteps: 1}, Seed: 1}
}

func (s *subject) full(to int) calibrate.Segment {
	return calibrate.Segment{Trial: s.trial("full", evidence.Method{Kind: evidence.Full}), ToStep: to}
}

func (s *subject) lora(to int) calibrate.Segment {
	return calibrate.Segment{Trial: s.trial("lora", s.LoRA), ToStep: to}
}

func (s *subject) folder(name string) string { return filepath.Join(s.dir, name) }

func (s *subject) train(t *testing.T, segments ...calibrate.Segment) []calibrate.Event {
	t.Helper()
	events, err := s.try(context.Background(), segments...)
	if err != nil {
		t.Fatalf("train: %v", err)
	}
	return events
}

func (s *subject) try(ctx context.Context, segments ...calibrate.Segment) ([]calibrate.Event, error) {
	g := s.Group
	g.Segments = segments
	var events []calibrate.Event
	err := s.Engine.Train(ctx, g, func(e calibrate.Event) { events = append(events, e) })
	return events, err
}

// of picks one kind of event.
func of[T calibrate.Event](events []calibrate.Event) []T {
	var out []T
	for _, e := range events {
		if e, ok := e.(T); ok {
			out = append(out, e)
		}
	}
	return out
}

func losses(events []calibrate.Event, trial string) []float64 {
	var out []float64
	for _, step := range of[calibrate.StepDone](events) {
		if step.Trial == trial {
			out = append(out, step.Loss)
		}
	}
	return out
}

func (s *subject) alike(t *testing.T, what string, a, b []float64) {
	t.Helper()
	if len(a) != len(b) {
		t.Errorf("%s: %d losses and %d", what, len(a), len(b))
		return
	}
	for i := range a {
		if math.Abs(a[i]-b[i]) > s.Tolerance {
			t.Errorf("%s: loss %d is %v and %v", what, i, a[i], b[i])
		}
	}
}

func checkInfo(t *testing.T, s *subject) {
	info, err := s.Engine.Info(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if info.Engine == "" || info.OS == "" || info.Cores < 1 || info.MemoryBytes < 1 {
		t.Errorf("says too little of itself: %+v", info)
	}
}

func checkEvents(t *testing.T, s *subject) {
	full, lora := s.full(3), s.lora(2)
	full.EvalSteps, lora.EvalSteps = []int{0, 2, 3}, []int{2}
	events := s.train(t, full, lora)
	for _, want := range []struct {
		trial string
		steps []int
		evals []int
	}{{"full", []int{1, 2, 3}, []int{0, 2, 3}}, {"lora", []int{1, 2}, []int{2}}} {
		checkTrialEvents(t, events, want.trial, want.steps, want.evals)
	}
}

func checkTrialEvents(t *testing.T, events []calibrate.Event, trial string, steps, evals []int) {
	t.Helper()
	var gotSteps, gotEvals []int
	var order []string
	for _, e := range events {
		switch e := e.(type) {
		case calibrate.TrialStarted:
			if e.Trial == trial {
				order = append(order, "started")
				if e.TrainableParams < 1 || e.TotalParams < e.TrainableParams {
					t.Errorf("%s: %d of %d parameters train", trial, e.TrainableParams, e.TotalParams)
				}
			}
		case calibrate.StepDone:
			if e.Trial == trial {
				gotSteps = append(gotSteps, e.Step)
				if !(e.Loss > 0) || !(e.Seconds > 0) || e.Tokens < 1 {
					t.Errorf("%s: %+v", trial, e)
				}
			}
		case calibrate.EvalDone:
			if e.Trial == trial && e.Set == calibrate.SetHeldOut {
				gotEvals = append(gotEvals, e.Step)
				if !(e.Loss > 0) || e.Tokens < 1 {
					t.Errorf("%s: %+v", trial, e)
				}
			}
		case calibrate.TrialEnded:
			if e.Trial == trial {
				order = append(order, "ended")
				if e.Status != evidence.Completed || e.Steps != steps[len(steps)-1] {
					t.Errorf("%s: %+v", trial, e)
				}
			}
		}
	}
	if diff := cmp.Diff([]string{"started", "ended"}, order); diff != "" {
		t.Errorf("%s: %s", trial, diff)
	}
	if diff := cmp.Diff(steps, gotSteps); diff != "" {
		t.Errorf("%s: steps: %s", trial, diff)
	}
	if diff := cmp.Diff(evals, gotEvals); diff != "" {
		t.Errorf("%s: evaluations: %s", trial, diff)
	}
}

// checkSameBatches: the first step is computed on the base model by both methods,
// since B is zero, so its loss tells whether the batch was the same.
func checkSameBatches(t *testing.T, s *subject) {
	events := s.train(t, s.full(1), s.lora(1))
	a, b := losses(events, "full"), losses(events, "lora")
	if len(a) != 1 || len(b) != 1 || math.Abs(a[0]-b[0]) > math.Max(s.Tolerance, 0.05) {
		t.Errorf("first losses %v and %v", a, b)
	}
	again := s.train(t, s.full(1), s.lora(1))
	s.alike(t, "again", losses(events, "full"), losses(again, "full"))
}

// checkResume: two steps, saved, and two more are four steps.
func checkResume(t *testing.T, s *subject) {
	for _, segment := range []calibrate.Segment{s.full(4), s.lora(4)} {
		segment.EvalSteps = []int{0, 4}
		whole := s.train(t, segment)
		first, second := segment, segment
		first.ToStep, first.Save = 2, s.folder(segment.Trial.ID+"-2")
		second.FromStep, second.Load = 2, first.Save
		parts := append(s.train(t, first), s.train(t, second)...)
		s.alike(t, segment.Trial.ID, losses(whole, segment.Trial.ID), losses(parts, segment.Trial.ID))
		if a, b := of[calibrate.EvalDone](whole), of[calibrate.EvalDone](parts); len(a) != len(b) {
			t.Errorf("%d evaluations and %d", len(a), len(b))
		}
		ended := of[calibrate.TrialEnded](parts)
		if len(ended) != 2 || ended[0].Steps != 2 || ended[0].Saved != first.Save || ended[1].Steps != 4 {
			t.Errorf("ended as %+v", ended)
		}
	}
}

// checkBranch: a trial may go on from its checkpoint with another schedule.
func checkBranch(t *testing.T, s *subject) {
	trunk := s.full(2)
	trunk.Save = s.folder("trunk")
	s.train(t, trunk)
	branch := s.full(4)
	branch.Trial.Schedule = evidence.Schedule{Shape: evidence.Linear, WarmupSteps: 1, DecayStart: 2, TotalSteps: 4}
	branch.FromStep, branch.Load = 2, trunk.Save
	events := s.train(t, branch)
	for _, step := range of[calibrate.StepDone](events) {
		want := s.Rate * branch.Trial.Schedule.Factor(step.Step)
		if math.Abs(step.LearningRate-want) > 1e-9*s.Rate {
			t.Errorf("step %d at rate %v, want %v", step.Step, step.LearningRate, want)
		}
	}
}

func checkCancel(t *testing.T, s *subject) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	g := s.Group
	segment := s.full(1000)
	segment.Save = s.folder("stopped")
	g.Segments = []calibrate.Segment{segment, s.lora(1000)}
	var events []calibrate.Event
	err := s.Engine.Train(ctx, g, func(e calibrate.Event) {
		events = append(events, e)
		if step, ok := e.(calibrate.StepDone); ok && step.Step == 2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("returned %v", err)
	}
	ended := of[calibrate.TrialEnded](events)
	if len(ended) == 0 || ended[0].Status != evidence.Interrupted || ended[0].Saved != segment.Save || ended[0].Steps >= 1000 {
		t.Fatalf("ended as %+v", ended)
	}
	if done := len(of[calibrate.StepDone](events)); done != ended[0].Steps {
		t.Errorf("%d steps told, %d done", done, ended[0].Steps)
	}
	rest := segment
	rest.FromStep, rest.ToStep, rest.Load, rest.Save = ended[0].Steps, ended[0].Steps+1, segment.Save, ""
	s.train(t, rest)
}

func checkDeadline(t *testing.T, s *subject) {
	segment := s.full(100_000)
	segment.DeadlineSeconds = 1e-6
	segment.Save = s.folder("cut")
	ended := of[calibrate.TrialEnded](s.train(t, segment))
	if len(ended) != 1 || ended[0].Status != evidence.CutByBudget || ended[0].Steps < 1 || ended[0].Saved != segment.Save {
		t.Errorf("ended as %+v", ended)
	}
}

// checkMeasure: what is measured comes at its time, lies within its bounds and changes
// no step.
func checkMeasure(t *testing.T, s *subject) {
	segment := s.full(3)
	segment.EvalSteps = []int{0}
	plain := s.train(t, segment)
	segment.Measure = &calibrate.Measure{Tokens: true, Gradient: true, Update: true, Rank: 2, Seconds: 60}
	events := s.train(t, segment)
	s.alike(t, "with measurements", losses(plain, "full"), losses(events, "full"))
	spectra := of[calibrate.SpectrumMeasured](events)
	if len(spectra) != 2 || spectra[0].Of != calibrate.OfGradient || spectra[0].Step != 0 || spectra[1].Of != calibrate.OfUpdate || spectra[1].Step != 3 {
		t.Fatalf("measured %+v", spectra)
	}
	for _, m := range spectra {
		checkSpectrum(t, m)
	}
	if tokens := of[calibrate.TokensMeasured](events); len(tokens) != 1 || tokens[0].HeldOut.Tokens < 1 || !(tokens[0].HeldOut.P50 <= tokens[0].HeldOut.P90) {
		t.Errorf("token by token %+v", tokens)
	}
	var domain evidence.Domain
	for _, m := range spectra {
		m.Into(&domain)
	}
	if len(domain.Layers) != len(spectra[0].Weights) || domain.GradientRank == nil || domain.UpdateRank == nil || domain.UpdateStep != 3 {
		t.Errorf("written down as %+v", domain)
	}
}

func checkSpectrum(t *testing.T, m calibrate.SpectrumMeasured) {
	t.Helper()
	if len(m.Weights) == 0 || len(m.Weights) > m.Total || len(m.Top) == 0 {
		t.Errorf("%s: %d of %d weights, %d ranks", m.Of, len(m.Weights), m.Total, len(m.Top))
	}
	for _, w := range m.Weights {
		if w.Name == "" || w.StableRank < 1 || w.EffectiveRank < 1 || !(w.TopShare > 0 && w.TopShare <= 1) || !(w.Energy > 0) {
			t.Errorf("%s: %+v", m.Of, w)
		}
	}
	for i, top := range m.Top {
		if i > 0 && (top.Share < m.Top[i-1].Share || top.Rank <= m.Top[i-1].Rank) || top.Share > 1 {
			t.Errorf("%s: shares %+v", m.Of, m.Top)
		}
	}
}

func checkClose(t *testing.T, s *subject) {
	before := s.train(t, s.lora(2))
	for range 2 {
		if err := s.Engine.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s.alike(t, "after close", losses(before, "lora"), losses(s.train(t, s.lora(2)), "lora"))
}

func checkMissingCheckpoint(t *testing.T, s *subject) {
	segment := s.full(3)
	segment.FromStep, segment.Load = 2, s.folder("nowhere")
	events, err := s.try(context.Background(), segment)
	if err == nil {
		t.Errorf("trained on nothing: %d events", len(events))
	}
	started := slices.ContainsFunc(events, func(e calibrate.Event) bool { _, ok := e.(calibrate.StepDone); return ok })
	if started {
		t.Error("did a step without its checkpoint")
	}
}
