package calibrate

import (
	"context"
	"fmt"
	"math"
	"slices"

	"ftadvise/calibrate/evidence"
)

// How many steps the first stage takes; the engine leaves the first out of the time.
const (
	fitSteps       = 5
	fitStepsRandom = 10 // where times are all that is asked for
)

// fit finds out whether a step of each arm fits in memory and how long it takes.
// Where one does not fit, all are measured again with half the micro-batch, each in
// a fresh engine; an arm that does not fit at one row drops out, and the others then
// go on with the largest micro-batch that fits them.
func (c *calibration) fit(ctx context.Context) error {
	if c.run.Plan != nil {
		return nil
	}
	for {
		again, err := c.fitAll(ctx)
		if err != nil {
			return err
		}
		if !again && !c.restore() {
			break
		}
	}
	if err := c.fitSpares(ctx); err != nil {
		return err
	}
	if err := c.remeasure(ctx); err != nil {
		return err
	}
	if len(c.live()) == 0 {
		c.warn("nothing-fits", "No method fits in memory at one row; a smaller model, shorter rows, another precision or a larger device is needed.")
	}
	return nil
}

// fitAll measures each arm at the present micro-batch; again says that it was halved.
func (c *calibration) fitAll(ctx context.Context) (again bool, err error) {
	for _, a := range c.asked() {
		id := c.ensure(c.fitTrial(a))
		c.planned()
		for o := &c.trial(id).Outcome; !over(o.Status) && o.Status != evidence.OutOfMemory; o = &c.trial(id).Outcome {
			if err := c.fresh(ctx); err != nil {
				return false, err
			}
			if err := c.train(ctx, c.segments([]string{id}, c.trial(id).Steps)); err != nil {
				return false, err
			}
		}
		if c.trial(id).Outcome.Status == evidence.OutOfMemory {
			c.halve()
			return true, c.save()
		}
		if c.exhausted() {
			return false, nil
		}
	}
	return false, nil
}

func (c *calibration) fitTrial(a arm) evidence.Trial {
	steps := fitSteps
	if c.spec.Model.RandomWeights && c.spec.Preset != PresetEssay {
		steps = fitStepsRandom
	}
	return evidence.Trial{ID: fmt.Sprintf("fit-%s-b%d", a.key, c.run.Setup.MicroBatch), Stage: evidence.StageFit,
		Method: a.method, LearningRate: a.prior, Schedule: evidence.Schedule{Shape: evidence.Constant},
		Seed: c.spec.Seed, Steps: steps}
}

// unsound is by how much step times may differ, among the steps of a trial or between
// the methods, before they are measured again: methods were reported to differ by a
// factor of 0.4 to 1.8, a busy neighbour costs any.
const unsound = 3

// remeasure repeats once, in a fresh engine, the fit trials whose step times cannot
// be right; the faster of the two then counts. A plan made from a moment when the
// machine was busy would be far too short.
func (c *calibration) remeasure(ctx context.Context) error {
	fastest := math.Inf(1)
	for _, a := range c.live() {
		if m := c.fitted(a).StepSeconds.Median; m > 0 {
			fastest = min(fastest, m)
		}
	}
	for _, a := range c.live() {
		s := c.fitted(a).StepSeconds
		if s.N == 0 || (s.Median <= unsound*fastest && s.P90 <= unsound*s.P10) || c.exhausted() {
			continue
		}
		again := c.fitTrial(a)
		again.ID += "-again"
		id := c.ensure(again)
		if over(c.trial(id).Outcome.Status) {
			continue
		}
		c.planned()
		c.warn("unsteady-times", fmt.Sprintf("The step times of %s were unsteady and were measured again; something else may be using the machine.", a.method))
		if err := c.fresh(ctx); err != nil {
			return err
		}
		if err := c.train(ctx, c.segments([]string{id}, again.Steps)); err != nil {
			return err
		}
	}
	return nil
}

// fitted is what came of an arm's fit at the present micro-batch.
func (c *calibration) fitted(a arm) evidence.Outcome {
	if t := c.trial(c.fitTrial(a).ID); t != nil {
		return t.Outcome
	}
	return evidence.Outcome{}
}

// restore goes back to the micro-batch asked for when an arm has dropped out for
// want of memory: the halving was for its sake. It does so once.
func (c *calibration) restore() bool {
	live := c.asked()
	if len(live) == len(c.spec.arms())-len(c.spec.Spares) || len(live) == 0 || c.run.Setup.MicroBatch == c.spec.MicroBatch || c.warned("micro-batch-restored") {
		return false
	}
	c.run.Setup.MicroBatch, c.run.Setup.Accumulation = c.spec.MicroBatch, c.spec.Accumulation
	c.warn("micro-batch-restored", fmt.Sprintf(
		"A method does not fit even at one row; the others are measured from %d rows at once again, as they would be trained without it.", c.spec.MicroBatch))
	return true
}

// costs are those of the arms that fit, at the present micro-batch; a spare that was not
// tried has none.
func (c *calibration) costs() []Cost {
	var out []Cost
	for _, a := range c.live() {
		if cost := c.cost(a.method); cost.StepSeconds > 0 || !c.spec.spare(a.method) {
			out = append(out, cost)
		}
	}
	return out
}

// cost is what a method was measured to cost: by its search and probe where those
// have run, else by its fit trial; where memory has run out since, by what was
// measured before.
func (c *calibration) cost(m evidence.Method) Cost {
	for _, micro := range []int{c.run.Setup.MicroBatch, 0} {
		trained := c.pool(m, micro, evidence.StageSearch, evidence.StageProbe)
		fit := c.pool(m, micro, evidence.StageFit)
		switch {
		case trained.StepSeconds > 0:
			return trained
		case fit.StepSeconds > 0 && trained.EvalSeconds > 0: // rates trained in one pass have no step time
			trained.StepSeconds = fit.StepSeconds
			return trained
		case fit.StepSeconds > 0:
			return fit
		}
	}
	return Cost{Method: m}
}

// CostsOf returns what the methods of a run were measured to cost, for Preview.
func CostsOf(run *evidence.Run) []Cost {
	c := &calibration{run: run}
	var out []Cost
	seen := map[evidence.Method]bool{}
	for _, t := range run.Trials {
		if cost := c.cost(t.Method); !seen[t.Method] && cost.StepSeconds > 0 {
			out = append(out, cost)
		}
		seen[t.Method] = true
	}
	return out
}

// pool takes together a method's trials of some stages at a micro-batch, 0 being any.
// A fit's few steps count as in the trial that was fastest, since what disturbs a
// machine only slows it; over a search and a probe the mean tells what to expect, the
// disturbance included. Evaluations are taken to be alike for all methods.
func (c *calibration) pool(m evidence.Method, micro int, stages ...evidence.Stage) Cost {
	out := Cost{Method: m}
	var overhead, sittings, evals, evaluations, steps, timed float64
	for _, t := range c.run.Trials {
		o := t.Outcome
		if (o.MicroBatch != micro && micro != 0) || !slices.Contains(stages, t.Stage) || o.Segments == 0 {
			continue
		}
		evals += o.EvalSeconds
		evaluations += float64(ownEvaluations(t))
		if t.Method != m {
			continue
		}
		overhead += o.OverheadSeconds
		sittings += float64(o.Segments)
		steps += sum(o.StepTimes)
		timed += float64(len(o.StepTimes))
		if s := o.StepSeconds; s.N > 0 {
			out.StepSeconds = least(out.StepSeconds, s.Median)
		}
	}
	if !slices.Contains(stages, evidence.StageFit) && timed > 0 {
		out.StepSeconds = steps / timed
	}
	out.EvalSeconds = evals / math.Max(1, evaluations)
	out.SegmentSeconds = overhead / math.Max(1, sittings)
	return out
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total
}

// least is the smaller of two times, 0 being none.
func least(a, b float64) float64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// ownEvaluations counts the evaluations that a trial made itself: step 0 of a search or
// a probe was taken over from the fit.
func ownEvaluations(t evidence.TrialResult) int {
	n := 0
	for _, p := range t.Outcome.EvalLoss {
		if p.Step > 0 || t.Stage == evidence.StageFit {
			n++
		}
	}
	return n
}
