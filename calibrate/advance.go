package calibrate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"ftadvise/calibrate/evidence"
)

// checkpoints is the folder of a run in which trials leave their state.
const checkpoints = "checkpoints"

// advance trains the trials up to a step, each from where it stands, in the order
// given and in one group. Trials that are over or already there are passed over. When
// memory runs out it goes on in a fresh engine with half the micro-batch for all.
func (c *calibration) advance(ctx context.Context, ids []string, to int) error {
	for {
		segments := c.segments(ids, to)
		if len(segments) == 0 {
			return nil
		}
		if c.exhausted() {
			c.cut(ids)
			return nil
		}
		if err := c.train(ctx, segments); err != nil {
			return err
		}
		if !c.short(ids) {
			return nil
		}
		c.halve()
		if err := c.fresh(ctx); err != nil {
			return err
		}
	}
}

// over reports whether nothing is left to do for the trial, whatever its steps.
func over(s evidence.Status) bool { return s.Finished() }

// segments are what brings the trials to a step.
func (c *calibration) segments(ids []string, to int) []Segment {
	var out []Segment
	for _, id := range ids {
		t := c.trial(id)
		if over(t.Outcome.Status) || t.Outcome.Steps >= to {
			continue
		}
		out = append(out, c.segment(t, to))
	}
	return out
}

// segment continues a trial from its last checkpoint.
func (c *calibration) segment(t *evidence.TrialResult, to int) Segment {
	s := Segment{Trial: t.Trial, FromStep: t.Outcome.Steps, ToStep: to, General: t.Stage != evidence.StageSearch}
	s.Trial.Steps = t.Steps
	if t.Outcome.Checkpoint != "" {
		s.Load = filepath.Join(c.keeper.Path(), filepath.FromSlash(t.Outcome.Checkpoint))
	}
	switch t.Stage {
	case evidence.StageFit:
		if c.run.Domain.BaseLoss == nil && !c.spec.Model.RandomWeights {
			s.EvalSteps = []int{0}
		}
		s.Measure = c.measureBase(t)
		return s
	case evidence.StageEssay:
		if !c.spec.Model.RandomWeights {
			s.EvalSteps = []int{to}
		}
		return s
	default:
		return c.saved(s)
	}
}

// saved completes a segment of the search or a trunk: when it is evaluated, and
// where it leaves its state for the next.
func (c *calibration) saved(s Segment) Segment {
	for _, e := range c.run.Plan.EvalSteps {
		if e > s.FromStep && e <= s.ToStep {
			s.EvalSteps = append(s.EvalSteps, e)
		}
	}
	s.Measure = c.measureUpdate(s)
	s.Save = filepath.Join(c.keeper.Path(), checkpoints, s.Trial.ID, fmt.Sprintf("%d-%d", s.FromStep, s.ToStep))
	return s
}

// train has the engine do the segments. Whatever it does, the run is saved.
func (c *calibration) train(ctx context.Context, segments []Segment) error {
	c.apportion(segments)
	for _, s := range segments {
		if s.Save == "" {
			continue
		}
		if err := os.RemoveAll(s.Save); err != nil { // of a sitting that died while saving
			return &EnvironmentError{What: "cannot clear a checkpoint", Err: err}
		}
	}
	group := c.group(segments)
	inner, stop := context.WithCancel(ctx)
	defer stop()
	r := c.newRecorder(group, stop)
	c.used = true
	err := r.close(c.engine.Train(inner, group, r.observe))
	if r.err != nil {
		return errors.Join(r.err, ctx.Err())
	}
	if err == nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return err
}

func (c *calibration) group(segments []Segment) Group {
	pack := c.spec.PackPath
	if pack != "" && !filepath.IsAbs(pack) {
		pack = filepath.Join(c.keeper.Path(), pack)
	}
	s := c.run.Setup
	return Group{ModelDir: c.spec.ModelDir, RandomWeights: c.spec.Model.RandomWeights, PackPath: pack,
		Device: s.Device, Precision: s.Precision, Threads: c.spec.Threads,
		MicroBatch: s.MicroBatch, Accumulation: s.Accumulation, Optimizer: s.Optimizer,
		Checkpointing: c.spec.Checkpointing, DataSeed: s.Seed, Segments: segments}
}

// apportion gives each segment its share of the time that is left, by its price, so
// that a group cannot overrun the budget and no segment eats another's time.
func (c *calibration) apportion(segments []Segment) {
	left, limited := c.remaining()
	if !limited {
		return
	}
	prices := make([]float64, len(segments))
	total := 0.0
	for i, s := range segments {
		prices[i] = c.cost(s.Trial.Method).segment(s.ToStep-s.FromStep, len(s.EvalSteps))
		if prices[i] <= 0 {
			prices[i] = 1 // nothing is known yet: alike for all
		}
		total += prices[i]
	}
	for i := range segments {
		segments[i].DeadlineSeconds = left * prices[i] / total
	}
}

// cut ends the trials that the budget no longer pays for.
func (c *calibration) cut(ids []string) {
	for _, id := range ids {
		if t := c.trial(id); !over(t.Outcome.Status) {
			t.Outcome.Status = evidence.CutByBudget
			t.Outcome.Reason = fmt.Sprintf("the time was up after %d of %d steps", t.Outcome.Steps, t.Steps)
		}
	}
}

// short reports whether memory ran out for one of the trials.
func (c *calibration) short(ids []string) bool {
	return slices.ContainsFunc(ids, func(id string) bool {
		return c.trial(id).Outcome.Status == evidence.OutOfMemory
	})
}

// halve makes the micro-batch the largest divisor of the effective batch that is at
// most half of what it was, for every arm, so that the batches stay what they are.
func (c *calibration) halve() {
	s := &c.run.Setup
	was, batch := s.MicroBatch, s.MicroBatch*s.Accumulation
	micro := max(1, was/2)
	for batch%micro != 0 {
		micro--
	}
	s.MicroBatch, s.Accumulation = micro, batch/micro
	c.warn("micro-batch-halved", fmt.Sprintf(
		"%d rows at once did not fit in memory; every method goes on with %d rows %d times a step, the same batches in smaller parts.",
		was, micro, batch/micro))
}

// fresh replaces the engine, for one whose memory is whole. Info starts it, so that
// the start is not counted as a trial's. One that has not trained yet is fresh.
func (c *calibration) fresh(ctx context.Context) error {
	if !c.used {
		return nil
	}
	c.used = false
	if err := c.engine.Close(); err != nil {
		return fmt.Errorf("close the engine: %w", err)
	}
	_, err := c.engine.Info(ctx)
	return err
}

// relative names a checkpoint as the run's file does.
func (c *calibration) relative(path string) string {
	rel, err := filepath.Rel(c.keeper.Path(), path)
	if err != nil {
		return path
	}
	return filepath.ToSlash(rel)
}

// discard removes a checkpoint that nothing goes on from any more.
func (c *calibration) discard(rel string) error {
	if rel == "" {
		return nil
	}
	if err := os.RemoveAll(filepath.Join(c.keeper.Path(), filepath.FromSlash(rel))); err != nil {
		return &EnvironmentError{What: "cannot remove a checkpoint", Err: err}
	}
	return nil
}

// sweep removes all checkpoints of a run that is done: nothing resumes it, and full
// fine-tuning's weigh twelve bytes a parameter.
func (c *calibration) sweep() error {
	for i := range c.run.Trials {
		c.run.Trials[i].Outcome.Checkpoint = ""
	}
	if err := c.save(); err != nil {
		return err
	}
	return c.discard(checkpoints)
}
