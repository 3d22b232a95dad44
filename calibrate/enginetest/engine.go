package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
)

// Script says how training goes. Only Loss and StepSeconds are required.
type Script struct {
	// Loss is the held-out loss after step, 0 being the base model.
	Loss func(t evidence.Trial, step int) float64
	// Accuracy is the held-out accuracy after step, for data that have one.
	Accuracy func(t evidence.Trial, step int) float64
	// StepSeconds is the time of one optimizer step.
	StepSeconds  func(m evidence.Method, microBatch, accumulation int) float64
	EvalSeconds  float64 // of one evaluation of one set
	StartSeconds float64 // to bring a trial's weights to the device
	SaveSeconds  float64
	// OutOfMemory reports whether the step does not fit; it is asked for the step
	// FromStep too, when the weights arrive.
	OutOfMemory func(t evidence.Trial, microBatch, step int) bool
	Diverges    func(t evidence.Trial, step int) bool
	// General is the loss on general text; nil takes a made-up one.
	General func(t evidence.Trial, step int) float64
	// Trainable is how many parameters a method trains; nil takes 4,000 a rank.
	Trainable func(m evidence.Method) int64
	// Fail is called before each step; Train returns its error at once, with nothing
	// saved, as an engine does that dies. In a child process it may also hang or exit.
	Fail func(t evidence.Trial, step int) error
	// MeasureSeconds is the time of one spectrum.
	MeasureSeconds float64
	// Pass is told of time as it goes by, such as Clock.Pass.
	Pass func(seconds float64)
}

// Engine plays a Script.
type Engine struct {
	script Script
	groups []calibrate.Group
	torn   bool // memory ran out; only Close mends that
}

var _ calibrate.Engine = (*Engine)(nil)

// New returns an engine that plays the script.
func New(s Script) *Engine { return &Engine{script: s} }

// Groups returns every group that Train was given.
func (e *Engine) Groups() []calibrate.Group { return e.groups }

// Info implements calibrate.Engine.
func (e *Engine) Info(ctx context.Context) (evidence.Environment, error) {
	return evidence.Environment{OS: "linux", CPU: "scripted", Cores: 2, MemoryBytes: 8 << 30,
		Engine: "enginetest 1", Libtorch: "none", Threads: 2}, ctx.Err()
}

// Close implements calibrate.Engine.
func (e *Engine) Close() error {
	e.torn = false
	return nil
}

// Train implements calibrate.Engine.
func (e *Engine) Train(ctx context.Context, g calibrate.Group, observe func(calibrate.Event)) error {
	e.groups = append(e.groups, g)
	if e.torn {
		return &calibrate.EngineError{What: "trained again in a process that had run out of memory"}
	}
	for _, s := range g.Segments {
		run := &segment{Segment: s, engine: e, group: g, observe: observe, step: s.FromStep}
		if err := run.train(ctx); err != nil {
			return err
		}
	}
	return profile(g, observe)
}

// segment is one segment under way.
type segment struct {
	calibrate.Segment
	engine  *Engine
	group   calibrate.Group
	observe func(calibrate.Event)
	step    int     // done
	seconds float64 // gone by
}

func (s *segment) train(ctx context.Context) error {
	if err := s.load(); err != nil {
		return err
	}
	s.pass(s.engine.script.StartSeconds)
	if s.noRoom() { // which an engine finds out before it can start
		return s.end(evidence.OutOfMemory, "no room for the weights")
	}
	s.observe(calibrate.TrialStarted{Trial: s.Trial.ID, TrainableParams: s.engine.script.trainable(s.Trial.Method), TotalParams: params,
		MicroBatch: s.group.MicroBatch, Accumulation: s.group.Accumulation})
	if s.FromStep == 0 {
		s.evaluate()
		s.measure(calibrate.OfGradient)
	}
	for s.step < s.ToStep {
		if ctx.Err() != nil {
			return s.stop(ctx)
		}
		if fail := s.engine.script.Fail; fail != nil {
			if err := fail(s.Trial, s.step+1); err != nil {
				return err
			}
		}
		if status, reason := s.advance(); status != "" {
			return s.end(status, reason)
		}
		if s.DeadlineSeconds > 0 && s.seconds >= s.DeadlineSeconds && s.step < s.ToStep {
			return s.finish(evidence.CutByBudget, fmt.Sprintf("the time was up at step %d", s.step))
		}
	}
	if ctx.Err() != nil {
		return s.stop(ctx)
	}
	return s.finish(evidence.Completed, "")
}

// advance does one step and its evaluation, or says why it could not.
func (s *segment) advance() (evidence.Status, string) {
	s.step++
	if s.noRoom() {
		s.step--
		return evidence.OutOfMemory, fmt.Sprintf("no room at step %d", s.step+1)
	}
	script := s.engine.script
	done := calibrate.StepDone{Trial: s.Trial.ID, Step: s.step, GradNorm: 1,
		LearningRate: s.Trial.LearningRate * s.Trial.Schedule.Factor(s.step),
		Loss:         script.Loss(s.Trial, s.step) + noise(s.group.DataSeed, s.step),
		Seconds:      script.StepSeconds(s.Trial.Method, s.group.MicroBatch, s.group.Accumulation),
		Tokens:       s.group.MicroBatch * s.group.Accumulation * 16, Warm: s.step > s.FromStep+1}
	if script.Diverges != nil && script.Diverges(s.Trial, s.step) {
		done.Loss, done.GradNorm = math.NaN(), math.Inf(1)
	}
	s.pass(done.Seconds)
	s.observe(done)
	if math.IsNaN(done.Loss) {
		return evidence.Diverged, fmt.Sprintf("step %d: loss is NaN", s.step)
	}
	s.evaluate()
	return "", ""
}

// noise is what the batch of a step does to the loss: the same for every trial.
func noise(seed int64, step int) float64 {
	return 0.05 * math.Sin(float64(seed)+12.9898*float64(step))
}

func (s *segment) noRoom() bool {
	ask := s.engine.script.OutOfMemory
	if ask == nil || !ask(s.Trial, s.group.MicroBatch, s.step) {
		return false
	}
	s.engine.torn = true
	return true
}

func (s *segment) evaluate() {
	if !slices.Contains(s.EvalSteps, s.step) {
		return
	}
	sets := []string{calibrate.SetHeldOut}
	if s.General && (s.step == 0 || s.step == s.ToStep) {
		sets = append(sets, calibrate.SetGeneral)
	}
	for i, set := range sets {
		s.pass(s.engine.script.EvalSeconds)
		loss := s.engine.script.Loss(s.Trial, s.step)
		if i == 1 {
			loss = s.engine.script.general(s.Trial, s.step)
		}
		done := calibrate.EvalDone{Trial: s.Trial.ID, Step: s.step, Set: set, Loss: loss,
			Tokens: 4096, Seconds: s.engine.script.EvalSeconds}
		if s.engine.script.Accuracy != nil && i == 0 {
			done.Accuracy = new(s.engine.script.Accuracy(s.Trial, s.step))
		}
		s.observe(done)
	}
	s.measureTokens()
}

// stop ends the segment because the context did.
func (s *segment) stop(ctx context.Context) error {
	if err := s.finish(evidence.Interrupted, "stopped on request"); err != nil {
		return err
	}
	return ctx.Err()
}

// finish saves and ends.
func (s *segment) finish(status evidence.Status, reason string) error {
	if s.Save != "" {
		if err := s.save(); err != nil {
			return err
		}
		s.pass(s.engine.script.SaveSeconds)
	}
	s.observe(calibrate.MemoryMeasured{Trial: s.Trial.ID,
		PeakAllocatedBytes: memory(s.Trial.Method, s.group.MicroBatch), PeakReservedBytes: 2 * memory(s.Trial.Method, s.group.MicroBatch)})
	if status != evidence.Interrupted {
		s.measure(calibrate.OfUpdate)
	}
	s.observe(calibrate.TrialEnded{Trial: s.Trial.ID, Status: status, Reason: reason, Steps: s.step, Saved: s.Save})
	return nil
}

// end ends without saving.
func (s *segment) end(status evidence.Status, reason string) error {
	s.observe(calibrate.TrialEnded{Trial: s.Trial.ID, Status: status, Reason: reason, Steps: s.step})
	return nil
}

func (s *segment) pass(seconds float64) {
	s.seconds += seconds
	if s.engine.script.Pass != nil {
		s.engine.script.Pass(seconds)
	}
}

// The scripted model is small.
const params = 1_000_000

func (s Script) general(t evidence.Trial, step int) float64 {
	if s.General != nil {
		return s.General(t, step)
	}
	return 3 + 0.0001*float64(step)
}

func (s Script) trainable(m evidence.Method) int64 {
	if s.Trainable != nil {
		return s.Trainable(m)
	}
	return trainable(m)
}

func trainable(m evidence.Method) int64 {
	if m.Kind == evidence.LoRA {
		return int64(m.Rank) * 4000
	}
	return params
}

func memory(m evidence.Method, microBatch int) int64 {
	return 12*trainable(m) + 4*params + int64(microBatch)*100_000
}

// state is a scripted checkpoint: enough to notice the wrong one.
type state struct {
	Trial string  `json:"trial"`
	Step  int     `json:"step"`
	Rate  float64 `json:"rate"`
}

const stateFile = "state.json"

func (s *segment) save() error {
	data, err := json.Marshal(state{s.Trial.ID, s.step, s.Trial.LearningRate})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.Save, 0o755); err != nil {
		return &calibrate.EnvironmentError{What: "cannot save a checkpoint", Err: err}
	}
	return os.WriteFile(filepath.Join(s.Save, stateFile), data, 0o644)
}

// load checks that the checkpoint is the one that the segment goes on from.
func (s *segment) load() error {
	if s.Load == "" {
		if s.FromStep == 0 {
			return nil
		}
		return &calibrate.InputError{Where: s.Trial.ID, What: fmt.Sprintf("starts at step %d without a checkpoint", s.FromStep)}
	}
	data, err := os.ReadFile(filepath.Join(s.Load, stateFile))
	if err != nil {
		return &calibrate.InputError{Where: s.Load, What: "no checkpoint", Hint: err.Error()}
	}
	var got state
	if err := json.Unmarshal(data, &got); err != nil {
		return &calibrate.InputError{Where: s.Load, What: err.Error()}
	}
	if got.Trial != s.Trial.ID || got.Step != s.FromStep || got.Rate != s.Trial.LearningRate {
		return &calibrate.InputError{Where: s.Load, What: fmt.Sprintf("holds %+v, not step %d of %s", got, s.FromStep, s.Trial.ID)}
	}
	return nil
}
