package calibrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ftadvise/calibrate/evidence"
)

// Keeper keeps one run where it outlives the process. A store's Folder is one.
type Keeper interface {
	// Load returns the run as it was created or left.
	Load() (*evidence.Run, error)
	// Save replaces the run as a whole.
	Save(run *evidence.Run) error
	// AppendEvent adds one line to the run's events.
	AppendEvent(line []byte) error
	// Path is the run's folder, for checkpoints.
	Path() string
}

// Run carries out the calibration that spec asks for, from where the keeper's run
// was left, and returns it. A fresh run needs no more than its ID.
//
// Every trial's end is saved, so that nothing but the segment under way is lost by
// whatever happens. The run is done when its plan is carried out or its budget spent;
// otherwise it is interrupted and the error says why: the context's own, or what the
// engine reported. Calling Run again resumes. Time that an engine lost by dying is
// not charged to the budget.
func Run(ctx context.Context, spec Spec, engine Engine, keeper Keeper, obs Observer) (*evidence.Run, error) {
	return RunAt(ctx, spec, engine, keeper, obs, time.Now)
}

// RunAt is Run by another clock, as a replay needs whose time is that of its script.
func RunAt(ctx context.Context, spec Spec, engine Engine, keeper Keeper, obs Observer, now func() time.Time) (*evidence.Run, error) {
	run, err := keeper.Load()
	if err != nil {
		return nil, err
	}
	c := &calibration{spec: spec, run: run, engine: engine, keeper: keeper, obs: obs, now: now,
		begun: now(), before: run.Seconds}
	if run.State == evidence.Done {
		return run, nil
	}
	if err := c.begin(); err != nil {
		return run, err
	}
	return run, c.end(c.stages(ctx))
}

// calibration is one sitting of a run.
type calibration struct {
	spec   Spec
	run    *evidence.Run
	engine Engine
	keeper Keeper
	obs    Observer
	now    func() time.Time

	begun  time.Time
	before float64 // seconds of earlier sittings
	used   bool    // the engine has trained
}

// begin writes down what is calibrated, or checks that it is what was begun.
func (c *calibration) begin() error {
	if c.run.Setup.HorizonSteps == 0 {
		c.describe()
	} else if c.run.Setup.Model.Fingerprint != c.spec.Model.Fingerprint || c.run.Data.Fingerprint != c.spec.Data.Fingerprint {
		return &InputError{Where: "run " + c.run.ID, What: "was begun with another model or other data",
			Hint: "start a fresh calibration, or put the files back as they were"}
	}
	c.run.State = evidence.Running
	c.relent()
	return c.save()
}

// relent treats a trial whose engine the kernel killed for memory in the last sitting
// as one that ran out of memory: to do the same again would end the same way. Within
// a sitting the kill stays an error, since it may have been another program's fault.
func (c *calibration) relent() {
	for i := range c.run.Trials {
		t := &c.run.Trials[i]
		if p, ok := t.Outcome.LastEval(); ok && t.Outcome.Status == evidence.Interrupted && p.Step == t.Steps && t.Outcome.Steps == t.Steps {
			t.Outcome.Status, t.Outcome.Reason = evidence.Completed, "" // the signal came when all was done
		}
		if t.Outcome.Status != evidence.EngineDied || !strings.Contains(t.Outcome.Reason, KilledForMemory) {
			continue
		}
		t.Outcome.Status = evidence.OutOfMemory
		switch {
		case c.run.Setup.MicroBatch == 1:
			t.Outcome.Status = evidence.DoesNotFit
		case t.Stage != evidence.StageFit: // the fit sees to its own
			c.halve()
		}
	}
}

func (c *calibration) describe() {
	s, r := c.spec, c.run
	r.Version, r.Data, r.Domain = s.Version, s.Data, s.Domain
	r.Warnings = append(r.Warnings, s.Warnings...)
	r.Setup = evidence.Setup{Preset: s.Preset, Model: s.Model, Device: s.Device, Precision: s.Precision,
		SeqLength: s.SeqLength, MicroBatch: s.MicroBatch, Accumulation: s.Accumulation, Optimizer: s.Optimizer,
		HorizonSteps: s.HorizonSteps, BudgetSeconds: s.Budget.Seconds(), Seed: s.Seed, EvalRows: s.Data.EvalRows}
	if len(s.LoRA) > 0 {
		r.Setup.LoRA = s.LoRA[0]
	}
	if s.Model.Vocab > 0 {
		r.Domain.UniformLoss = new(logOf(s.Model.Vocab))
	}
}

// stages runs what the plan consists of, and a profile where one is asked for.
func (c *calibration) stages(ctx context.Context) error {
	if err := c.work(ctx); err != nil {
		return err
	}
	return c.profile(ctx)
}

// work is the plan. Each stage passes over what is done already.
func (c *calibration) work(ctx context.Context) error {
	environment, err := c.engine.Info(ctx)
	if err != nil {
		return err
	}
	if c.run.Environment == (evidence.Environment{}) {
		c.run.Environment = environment
	}
	if err := c.fit(ctx); err != nil {
		return err
	}
	switch {
	case c.spec.Preset == PresetEssay:
		return c.essay(ctx)
	case c.spec.Model.RandomWeights:
		c.warnRandom()
		return nil
	}
	for _, stage := range []func(context.Context) error{c.allot, c.search, c.extend, c.probe} {
		if err := stage(ctx); err != nil {
			return err
		}
	}
	return nil
}

// end says what came of it and saves. A run whose saving fails is no run.
func (c *calibration) end(cause error) error {
	c.run.State = evidence.Stopped
	var input *InputError
	switch {
	case cause == nil:
		c.conclude()
		c.run.State, c.run.FinishedAt = evidence.Done, c.now().UTC()
	case errors.As(cause, &input):
		c.run.State = evidence.Abandoned
		c.warn("failed", cause.Error())
	}
	if err := c.save(); err != nil {
		return errors.Join(cause, err)
	}
	if cause == nil {
		return c.sweep()
	}
	return cause
}

// save writes the run with its time up to now.
func (c *calibration) save() error {
	c.run.Seconds = c.before + c.now().Sub(c.begun).Seconds()
	if err := c.keeper.Save(c.run); err != nil {
		return fmt.Errorf("save run %s: %w", c.run.ID, err)
	}
	return nil
}

// planned tells the observer of the trials as they now stand.
func (c *calibration) planned() {
	if c.obs != nil {
		c.obs.Planned(c.run)
	}
}

// warn adds a doubt once.
func (c *calibration) warn(code, text string) {
	w := evidence.Warning{Code: code, Text: text}
	for _, have := range c.run.Warnings {
		if have == w {
			return
		}
	}
	c.run.Warnings = append(c.run.Warnings, w)
}

// warned reports whether a doubt of that code was raised.
func (c *calibration) warned(code string) bool {
	for _, w := range c.run.Warnings {
		if w.Code == code {
			return true
		}
	}
	return false
}

// trial returns the trial of that ID; the pointer holds until a trial is added.
func (c *calibration) trial(id string) *evidence.TrialResult {
	for i := range c.run.Trials {
		if c.run.Trials[i].ID == id {
			return &c.run.Trials[i]
		}
	}
	return nil
}

// ensure adds the trial as pending, unless it is there, and returns its ID. Every trial
// starts from the base model and has its loss at step 0: LoRA's B is
// zero then and full has changed nothing, so one measurement serves for all.
func (c *calibration) ensure(t evidence.Trial) string {
	if c.trial(t.ID) != nil {
		return t.ID
	}
	result := evidence.TrialResult{Trial: t, Outcome: evidence.Outcome{Status: evidence.Pending}}
	if d := c.run.Domain; t.Stage != evidence.StageFit && d.BaseLoss != nil {
		result.Outcome.EvalLoss = []evidence.Point{{Step: 0, Loss: *d.BaseLoss}}
		if d.BaseGeneralLoss != nil {
			result.Outcome.GeneralLoss = []evidence.Point{{Step: 0, Loss: *d.BaseGeneralLoss}}
		}
		if d.BaseAccuracy != nil {
			result.Outcome.EvalAccuracy = []evidence.Point{{Step: 0, Loss: *d.BaseAccuracy}}
		}
	}
	c.run.Trials = append(c.run.Trials, result)
	return t.ID
}

// live lists the arms that fit and that the plan, once there is one, has room for.
func (c *calibration) live() []arm {
	var out []arm
	for _, a := range c.spec.arms() {
		fits := c.run.Plan == nil || !slices.Contains(c.run.Plan.LeftOut, a.method)
		for _, t := range c.run.Trials {
			fits = fits && (t.Method != a.method || t.Outcome.Status != evidence.DoesNotFit)
		}
		if fits {
			out = append(out, a)
		}
	}
	return out
}

// remaining is the budget's seconds that are left, and whether there is a limit.
// What was committed counts; what was lost with an engine does not, so that a
// resumed run can do as much as an unbroken one.
func (c *calibration) remaining() (float64, bool) {
	gone := 0.0
	for _, t := range c.run.Trials {
		gone += t.Outcome.Seconds
	}
	return c.run.Setup.BudgetSeconds - gone, c.run.Setup.BudgetSeconds > 0
}

// spent is the share of the budget that is too small to do anything with.
const spent = 0.01

// exhausted reports whether the time is up: the budget is spent, or a trunk was cut.
// A rate of the search that was cut has lost its round, no more.
func (c *calibration) exhausted() bool {
	left, limited := c.remaining()
	if limited && left <= spent*c.run.Setup.BudgetSeconds {
		return true
	}
	for _, t := range c.run.Trials {
		if t.Outcome.Status == evidence.CutByBudget && t.Stage != evidence.StageSearch {
			return true
		}
	}
	return false
}
