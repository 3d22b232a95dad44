package torch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"ftadvise/calibrate"
	"ftadvise/calibrate/dataset/packfile"
	"ftadvise/calibrate/evidence"
)

// PretrainSpec is a base model to train from random weights.
type PretrainSpec struct {
	ModelDir, TextPath, Out  string // ModelDir holds config.json and tokenizer.json
	Device, Precision        string
	Batch, SeqLength, Steps  int
	Warmup, Threads          int
	LearningRate, HeldOutPct float64
	Seed                     int64
}

// Pretrained is what came of it.
type Pretrained struct {
	Steps       int     `json:"steps"`
	Tokens      int64   `json:"tokens"` // trained on
	TrainLoss   float64 `json:"train_loss"`
	HeldOutLoss float64 `json:"held_out_loss"` // nats a token, on text not trained on
	Seconds     float64 `json:"seconds"`
}

// Pretrain trains a base model by the same loop as everything else, a full fine-tune
// from random weights under a cosine schedule, and saves it as a Hugging Face folder.
func (e *Engine) Pretrain(ctx context.Context, spec PretrainSpec, progress func(calibrate.StepDone)) (Pretrained, error) {
	if err := spec.check(); err != nil {
		return Pretrained{}, err
	}
	dir, err := os.MkdirTemp("", "ftadvise-pretrain-")
	if err != nil {
		return Pretrained{}, fmt.Errorf("pretrain: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left lies in the system's temporary folder
	pack := filepath.Join(dir, "pack.safetensors")
	if err := packForPretraining(spec, pack); err != nil {
		return Pretrained{}, refused(err)
	}
	group := calibrate.Group{
		ModelDir: spec.ModelDir, RandomWeights: true, PackPath: pack, Device: spec.Device, Precision: spec.Precision, Threads: spec.Threads,
		MicroBatch: spec.Batch, Accumulation: 1, DataSeed: spec.Seed,
		Optimizer: evidence.Optimizer{Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, WeightDecay: 0.1, ClipNorm: 1},
		Segments: []calibrate.Segment{{
			Trial: evidence.Trial{
				ID: "pretrain", Method: evidence.Method{Kind: evidence.Full}, LearningRate: spec.LearningRate, Seed: spec.Seed,
				Schedule: evidence.Schedule{Shape: evidence.Cosine, WarmupSteps: spec.Warmup, TotalSteps: spec.Steps},
			},
			ToStep: spec.Steps, EvalSteps: []int{spec.Steps}, Export: spec.Out,
		}},
	}
	return e.pretrain(ctx, group, progress)
}

func (s PretrainSpec) check() error {
	if err := positive("steps", s.Steps, "steps"); err != nil {
		return err
	}
	if !(s.HeldOutPct > 0 && s.HeldOutPct < 100) {
		return &calibrate.InputError{Where: "held-out", What: fmt.Sprintf("%g is no part of the text, in percent", s.HeldOutPct), Hint: "take a number between 0 and 100"}
	}
	return positive("seq", s.SeqLength, "tokens")
}

func (e *Engine) pretrain(ctx context.Context, group calibrate.Group, progress func(calibrate.StepDone)) (Pretrained, error) {
	var out Pretrained
	var failure error
	err := e.Train(ctx, group, func(event calibrate.Event) {
		switch x := event.(type) {
		case calibrate.StepDone:
			out.Steps, out.TrainLoss = x.Step, x.Loss
			out.Tokens += int64(x.Tokens)
			out.Seconds += x.Seconds
			progress(x)
		case calibrate.EvalDone:
			out.HeldOutLoss = x.Loss
		case calibrate.TrialEnded:
			if x.Status != evidence.Completed {
				failure = fmt.Errorf("pretrain: %s: %s", x.Status, x.Reason)
			}
		}
	})
	if err == nil {
		err = failure
	}
	return out, err
}

// packForPretraining keeps the text's last part back.
func packForPretraining(spec PretrainSpec, path string) error {
	ids, err := textIDs(spec.ModelDir, spec.TextPath)
	if err != nil {
		return err
	}
	rows := windows(ids, spec.SeqLength)
	held := int(float64(rows.N) * spec.HeldOutPct / 100)
	if held < 1 || rows.N-held < 1 {
		return &calibrate.InputError{Where: spec.TextPath, What: fmt.Sprintf("is only %d rows of %d tokens", rows.N, spec.SeqLength), Hint: "give a longer text"}
	}
	return packfile.Write(path, packfile.Pack{Train: rows.Slice(0, rows.N-held), Eval: rows.Slice(rows.N-held, rows.N)})
}
