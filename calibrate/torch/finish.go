package torch

import (
	"context"
	"fmt"
	"math"

	"ftadvise/calibrate"
	"ftadvise/calibrate/dataset/packfile"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/torch/shim"
)

// finish reports memory and outcome after the given step and saves what is to be saved.
func (r *run) finish(step int, end ended) error {
	if end.err != nil {
		return end.err
	}
	r.keepProfile()
	memory, err := shim.MemoryOf(r.device)
	if err != nil {
		return err
	}
	for arm, segment := range r.arms {
		r.observe(calibrate.MemoryMeasured{Trial: segment.Trial.ID, PeakAllocatedBytes: memory.PeakAllocated, PeakReservedBytes: memory.PeakReserved})
		status, reason := end.status, end.reason
		if r.lost[arm] != "" {
			status, reason = evidence.Diverged, r.lost[arm]
		}
		r.measureUpdate(status)
		saved, err := r.save(arm, segment, step, status)
		if err != nil {
			return err
		}
		r.observe(calibrate.TrialEnded{Trial: segment.Trial.ID, Status: status, Reason: reason, Steps: step, Saved: saved})
	}
	if end.status == evidence.Interrupted {
		return context.Canceled
	}
	return nil
}

// save writes checkpoint and weights where asked; diverged weights are of no use.
func (r *run) save(arm int, segment calibrate.Segment, step int, status evidence.Status) (string, error) {
	if status == evidence.Diverged {
		return "", nil
	}
	if segment.Export != "" {
		if err := r.export(arm, segment); err != nil {
			return "", err
		}
	}
	if segment.Save == "" {
		return "", nil
	}
	return segment.Save, saveCheckpoint(r.decoder, arm, segment, step)
}

func (r *run) export(arm int, segment calibrate.Segment) error {
	if segment.Trial.Method.Kind == evidence.Full {
		tensors, err := r.decoder.Weights()
		if err != nil {
			return err
		}
		return hf.SaveModel(segment.Export, r.group.ModelDir, tensors)
	}
	tensors, err := r.decoder.Adapter(arm)
	if err != nil {
		return err
	}
	return hf.SaveAdapter(segment.Export, r.group.ModelDir, segment.Trial.Method, tensors)
}

// evaluates reports whether the held-out set is due after a step.
func (r *run) evaluates(step int) bool {
	for _, s := range r.arms[0].EvalSteps {
		if s == step {
			return true
		}
	}
	return false
}

// evaluateAt evaluates where that is due. At a segment's start only step 0 is: later
// ones were evaluated at the end of the segment before.
func (r *run) evaluateAt(step int, start bool) *ended {
	if !r.evaluates(step) || (start && step != 0) {
		return nil
	}
	sets := []evalSet{{calibrate.SetHeldOut, r.pack.Eval, r.pack.Classes}}
	if r.arms[0].General && r.pack.General.N > 0 && (step == 0 || step == r.arms[0].ToStep) {
		sets = append(sets, evalSet{calibrate.SetGeneral, r.pack.General, false})
	}
	for _, set := range sets {
		if err := r.evaluate(step, set); err != nil {
			return &ended{err: err}
		}
	}
	r.tellTokens(step)
	if r.timer == nil {
		return nil
	}
	// The time of an evaluation is nobody's step time.
	r.timer.Free()
	var err error
	if r.timer, err = shim.NewTimer(r.device); err != nil {
		return &ended{err: err}
	}
	return nil
}

type evalSet struct {
	name    string
	rows    packfile.Rows
	classes bool // its labels spell answers, which are right or wrong
}

func (r *run) evaluate(step int, set evalSet) error {
	var answers *answers
	if set.classes {
		answers = newAnswers(set.rows, len(r.arms))
	}
	result, err := meanLoss(r.lanes, set.rows, len(r.arms), r.atOnceEvaluated(), r.collector(step, set.name), answers)
	if err != nil {
		return err
	}
	for arm, segment := range r.arms {
		if r.lost[arm] == "" && !finite(result.loss[arm]) {
			r.lost[arm] = fmt.Sprintf("step %d: %s loss is not finite", step, set.name)
		}
		if r.lost[arm] != "" {
			continue
		}
		r.observe(calibrate.EvalDone{Trial: segment.Trial.ID, Step: step, Set: set.name, Loss: result.loss[arm], Tokens: result.tokens, Seconds: result.seconds, Accuracy: answers.accuracy(arm)})
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
