package torch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/torch/decoder"
	"ftadvise/calibrate/torch/shim"
)

// warmSteps are the first steps of a segment, whose time does not count: kernels are
// chosen, buffers allocated, caches filled.
const warmSteps = 3

// run trains a bundle of segments, the arms of one model.
type run struct {
	*session
	arms    []calibrate.Segment
	decoder *decoder.Model
	arena   *shim.Arena
	lanes   *decoder.Lanes
	laned   bool // threads are lanes
	cores   int  // CPU threads
	timer   *shim.Timer
	batches *batches
	graphs  *graphs
	statics *statics
	pending []pendingStep
	lost    []string  // of each arm: why it diverged, or empty
	every   int       // steps between reading losses back
	ceiling []float64 // of each arm: a loss above it has diverged
	profile shim.Profile
	at      int                     // the last step done
	tokens  map[string]*tokenLosses // by set, where they are asked for
	started time.Time
}

// pendingStep is a step whose numbers are still on the device.
type pendingStep struct {
	step, tokens int
	rates        []float64
}

// ended says why arms stop before their last step.
type ended struct {
	status evidence.Status
	reason string
	err    error
}

func (s *session) newRun(bundle []calibrate.Segment) (*run, error) {
	// The peak is of this trial alone: without what products of those before worked in.
	err := errors.Join(shim.ReleaseWorkspaces(s.device), shim.EmptyCache(s.device), shim.ResetPeak(s.device))
	if err != nil {
		return nil, err
	}
	r := &run{session: s, arms: bundle, lost: make([]string, len(bundle)), arena: shim.NewArena(s.device), every: 1, started: time.Now()}
	if s.device != shim.CPU {
		r.every = 8
	}
	if err := r.build(); err != nil {
		r.close()
		return nil, err
	}
	err = r.prepare()
	if err == nil {
		err = r.useThreads(shim.Threads())
	}
	if err != nil {
		r.close()
		return nil, err
	}
	r.batches = newBatches(s.pack.Train, s.group.DataSeed, s.group.MicroBatch*s.group.Accumulation)
	r.ceiling = slices.Repeat([]float64{ceilingOver * r.decoder.UniformLoss()}, len(bundle))
	return r, nil
}

func (r *run) build() error {
	var err error
	config, method := r.model.Config, r.arms[0].Trial.Method
	if method.Kind == evidence.Full {
		r.decoder, err = decoder.NewFull(config, r.precision, r.device, r.pack.Train.SeqLength)
	} else {
		r.decoder, err = decoder.NewLoRA(config, r.precision, r.device, r.pack.Train.SeqLength, armsOf(r.arms))
	}
	if err != nil {
		return err
	}
	r.decoder.SetCheckpointing(r.group.Checkpointing)
	if r.group.RandomWeights {
		err = r.decoder.Randomise(r.group.DataSeed)
	} else {
		err = r.decoder.Load(r.model)
	}
	if err != nil {
		return err
	}
	for arm, segment := range r.arms {
		if segment.Load == "" {
			continue
		}
		if err := loadCheckpoint(r.decoder, arm, segment); err != nil {
			return err
		}
	}
	// Dropout draws from here on; A's values were drawn from the same seed before.
	return shim.Seed(r.arms[0].Trial.Seed + int64(r.arms[0].FromStep))
}

func armsOf(segments []calibrate.Segment) []decoder.Arm {
	var out []decoder.Arm
	for _, s := range segments {
		out = append(out, decoder.Arm{Method: s.Trial.Method, Seed: s.Trial.Seed})
	}
	return out
}

func (r *run) close() {
	if r.timer != nil {
		r.timer.Free()
	}
	// An error of the device has shown in the run already.
	_ = shim.Synchronize(r.device)
	if r.graphs != nil {
		r.graphs.close()
	}
	r.endLanes()
	r.arena.Reset()
	r.statics.close()
	if r.decoder != nil {
		r.decoder.Close()
	}
}

// train is the one loop, whatever the method.
func (r *run) train(ctx context.Context) error {
	r.announce()
	if err := r.chooseThreads(); err != nil {
		return err
	}
	r.at = r.arms[0].FromStep
	if end := r.evaluateAt(r.arms[0].FromStep, true); end != nil {
		return r.finish(r.arms[0].FromStep, *end)
	}
	err := r.measureGradient()
	if err != nil {
		return err
	}
	if r.timer, err = shim.NewTimer(r.device); err != nil {
		return err
	}
	for step := r.arms[0].FromStep + 1; step <= r.arms[0].ToStep; step++ {
		if end := r.step(ctx, step); end != nil {
			return r.finish(step, *end)
		}
	}
	return r.finish(r.arms[0].ToStep, ended{status: evidence.Completed})
}

func (r *run) announce() {
	for arm, segment := range r.arms {
		trainable := r.decoder.Trainable(arm)
		total := r.model.Config.Params()
		if segment.Trial.Method.Kind == evidence.LoRA {
			total += trainable
		}
		r.observe(calibrate.TrialStarted{
			Trial: segment.Trial.ID, TrainableParams: trainable, TotalParams: total,
			MicroBatch: r.group.MicroBatch, Accumulation: r.group.Accumulation,
		})
	}
}

// step trains one optimizer step; a result ends the arms there.
func (r *run) step(ctx context.Context, step int) *ended {
	if err := r.profileStep(step); err != nil {
		return &ended{err: err}
	}
	if err := r.optimise(step); err != nil {
		return &ended{err: err}
	}
	r.at = step
	last := step == r.arms[0].ToStep
	if last || len(r.pending) >= r.every || r.evaluates(step) {
		if end := r.flush(); end != nil {
			return end
		}
	}
	if end := r.evaluateAt(step, false); end != nil || last {
		return end
	}
	return r.interrupted(ctx)
}

// interrupted says whether user or clock end the arms after a step that is not the last.
func (r *run) interrupted(ctx context.Context) *ended {
	limit := r.arms[0].DeadlineSeconds
	var end *ended
	switch {
	case ctx.Err() != nil:
		end = &ended{status: evidence.Interrupted, reason: "stopped by request"}
	case limit > 0 && time.Since(r.started).Seconds() > limit:
		end = &ended{status: evidence.CutByBudget, reason: fmt.Sprintf("the time was up, %.0f s", limit)}
	default:
		return nil
	}
	if flushed := r.flush(); flushed != nil {
		return flushed
	}
	return end
}

// optimise runs forward and backward over the step's micro-batches, then AdamW.
func (r *run) optimise(step int) error {
	rows := r.batches.rows(step)
	tokens := predicted(r.pack.Train, rows)
	for from := 0; from < len(rows); from += r.group.MicroBatch {
		if err := r.microBatch(rows[from:from+r.group.MicroBatch], tokens, from > 0); err != nil {
			return err
		}
	}
	rates := make([]float64, len(r.arms))
	for arm, segment := range r.arms {
		rates[arm] = segment.Trial.LearningRate * segment.Trial.Schedule.Factor(step)
	}
	if err := r.update(step, rates); err != nil {
		return err
	}
	r.statics.keep(r.arena, len(r.pending))
	r.pending = append(r.pending, pendingStep{step, len(rows) * r.pack.Train.SeqLength, rates})
	if err := r.arena.Err(); err != nil {
		return err
	}
	return r.timer.Mark()
}

// microBatch leaves gradients and adds its share of the step's mean loss. tokens are
// those of the whole step that carry loss.
func (r *run) microBatch(rows []int, tokens int, add bool) error {
	weight := 1 / math.Max(1, float64(tokens))
	if r.laned {
		return r.lanePass(rows, weight, add)
	}
	batch := r.statics.feed.Load(r.arena, rows, weight)
	taken, packed := batch.Shape()
	return r.graphs.run(unit{add: add, taken: taken, packed: packed}, r.decoder.Static(batch), func() error {
		pass(r.lanes.First(), batch, r.statics.loss, add)
		return r.arena.Err()
	})
}

// update is AdamW's step.
func (r *run) update(step int, rates []float64) error {
	r.decoder.SetStep(r.arena, r.statics.schedule, step, rates, r.group.Optimizer)
	if r.laned {
		norms, err := r.lanes.Step(r.statics.schedule, r.group.Optimizer)
		if err != nil {
			return err
		}
		r.statics.total(r.arena, r.lanes)
		r.keepNorms(norms)
		return r.arena.Err()
	}
	return r.graphs.run(unit{optimizer: true}, true, func() error {
		r.keepNorms(r.decoder.Step(r.arena, r.statics.schedule, r.group.Optimizer))
		return r.arena.Err()
	})
}

func (r *run) keepNorms(norms shim.Tensor) {
	r.arena.Copy(r.statics.norms, norms)
	r.arena.Drop(norms)
}

// flush reads the pending steps' numbers and reports them. It is where divergence is
// found out.
func (r *run) flush() *ended {
	seconds, err := r.timer.Seconds()
	if err != nil {
		return &ended{err: err}
	}
	if len(r.pending) > 0 {
		told := r.statics.read(r.arena)
		if err := r.arena.Err(); err != nil {
			return &ended{err: err}
		}
		for i, p := range r.pending {
			r.report(p, told.losses(i), told.norms(i), seconds[i])
		}
	}
	r.pending = r.pending[:0]
	if slices.Contains(r.lost, "") {
		return nil
	}
	return &ended{status: evidence.Diverged}
}

// report tells a step's numbers. An arm that diverged is heard of no more; what it
// computes touches no other arm.
func (r *run) report(p pendingStep, losses, norms []float64, seconds float64) {
	for arm, segment := range r.arms {
		norm := norms[arm]
		if p.step == segment.FromStep+1 {
			r.ceiling[arm] = ceilingFrom(r.decoder.UniformLoss(), losses[arm], segment.FromStep == 0)
		}
		if r.lost[arm] == "" {
			r.lost[arm] = diverged(p.step, losses[arm], norm, r.ceiling[arm])
		}
		if r.lost[arm] != "" {
			continue
		}
		r.observe(calibrate.StepDone{
			Trial: segment.Trial.ID, Step: p.step, Loss: losses[arm], GradNorm: norm, LearningRate: p.rates[arm],
			Seconds: seconds, Tokens: p.tokens, Warm: len(r.arms) == 1 && p.step > segment.FromStep+warmSteps,
		})
	}
}

// ceilingOver is how many times the loss of knowing nothing, or that before training, a
// loss may come to; mostTimes bounds it where training is already under way.
const (
	ceilingOver = 2
	mostTimes   = 8
)

// ceilingFrom is the loss above which an arm has diverged. A base model may begin far
// above the loss of knowing nothing, on text of another kind than its own, and learn all
// the same; so its first loss, which no step has touched, raises the ceiling. The first
// loss of a later segment may be a divergence itself and raises it so far only.
func ceilingFrom(uniform, first float64, untrained bool) float64 {
	ceiling := ceilingOver * math.Max(uniform, first)
	if !untrained {
		ceiling = math.Min(ceiling, mostTimes*uniform)
	}
	if math.IsNaN(ceiling) || math.IsInf(ceiling, 0) {
		return ceilingOver * uniform
	}
	return ceiling
}

func diverged(step int, loss, norm, ceiling float64) string {
	switch {
	case math.IsNaN(loss) || math.IsInf(loss, 0):
		return fmt.Sprintf("step %d: loss is not finite", step)
	case math.IsNaN(norm) || math.IsInf(norm, 0):
		return fmt.Sprintf("step %d: gradient norm is not finite", step)
	case loss > ceiling:
		return fmt.Sprintf("step %d: loss %.2f is above %.2f, %d times that of knowing nothing or of the first step", step, loss, ceiling, ceilingOver)
	}
	return ""
}
