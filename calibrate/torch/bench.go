package torch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"ftadvise/calibrate"
	"ftadvise/calibrate/dataset"
	"ftadvise/calibrate/evidence"
)

// BenchSpec is what Bench trains: a model on a text, both methods, LoRA of rank 8 on
// every linear layer.
type BenchSpec struct {
	ModelDir, TextPath, Device, Precision string
	Batch, SeqLength, Steps, Threads      int
	RandomWeights                         bool
	Arms                                  []evidence.Method
}

// BenchArm is what one arm measured.
type BenchArm struct {
	Arm             string  `json:"arm"`
	MsPerStep       float64 `json:"ms_per_step"` // median, warm-up steps left out
	TokensPerSecond float64 `json:"tokens_per_s"`
	PeakBytes       int64   `json:"peak_bytes"`     // allocated
	ReservedBytes   int64   `json:"reserved_bytes"` // RSS on a CPU
	Trainable       int64   `json:"trainable"`
	FirstLoss       float64 `json:"first_loss"`
	LastLoss        float64 `json:"last_loss"`
}

// BenchArms are the two arms that are compared unless others are asked for.
func BenchArms() []evidence.Method {
	return []evidence.Method{{Kind: evidence.Full}, {Kind: evidence.LoRA, Rank: 8, Alpha: 16, Targets: evidence.AllLinear}}
}

// Bench trains each arm for the given steps and calls done with its measurements.
func (e *Engine) Bench(ctx context.Context, spec BenchSpec, done func(BenchArm)) error {
	dir, err := os.MkdirTemp("", "ftadvise-bench-")
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	defer os.RemoveAll(dir)
	pack := filepath.Join(dir, "pack.safetensors")
	if err := packText(spec, pack); err != nil {
		return refused(err)
	}
	for _, method := range spec.Arms {
		arm, err := e.benchArm(ctx, spec, pack, method)
		if err != nil {
			return err
		}
		done(arm)
	}
	return nil
}

func (e *Engine) benchArm(ctx context.Context, spec BenchSpec, pack string, method evidence.Method) (BenchArm, error) {
	group := calibrate.Group{
		ModelDir: spec.ModelDir, PackPath: pack, Device: spec.Device, Precision: spec.Precision, Threads: spec.Threads, RandomWeights: spec.RandomWeights,
		MicroBatch: spec.Batch, Accumulation: 1, Optimizer: evidence.Optimizer{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, ClipNorm: 1},
		Segments: []calibrate.Segment{{
			Trial:  evidence.Trial{ID: string(method.Kind), Stage: evidence.StageFit, Method: method, LearningRate: benchRate(method), Seed: 1},
			ToStep: spec.Steps,
		}},
	}
	arm := BenchArm{Arm: string(method.Kind)}
	var seconds []float64
	var failure error
	err := e.Train(ctx, group, func(event calibrate.Event) {
		switch x := event.(type) {
		case calibrate.TrialStarted:
			arm.Trainable = x.TrainableParams
		case calibrate.StepDone:
			if x.Step == 1 {
				arm.FirstLoss = x.Loss
			}
			arm.LastLoss = x.Loss
			if x.Warm {
				seconds = append(seconds, x.Seconds)
			}
		case calibrate.MemoryMeasured:
			arm.PeakBytes, arm.ReservedBytes = x.PeakAllocatedBytes, x.PeakReservedBytes
		case calibrate.TrialEnded:
			if x.Status != evidence.Completed {
				failure = fmt.Errorf("bench: %s: %s %s", x.Trial, x.Status, x.Reason)
			}
		}
	})
	if err := errors.Join(err, failure); err != nil {
		return arm, err
	}
	if len(seconds) == 0 {
		return arm, fmt.Errorf("bench: %d steps are too few: the first %d do not count", spec.Steps, warmSteps)
	}
	slices.Sort(seconds)
	median := seconds[len(seconds)/2]
	arm.MsPerStep = median * 1e3
	arm.TokensPerSecond = float64(spec.Batch*spec.SeqLength) / median
	return arm, nil
}

func benchRate(m evidence.Method) float64 {
	if m.Kind == evidence.LoRA {
		return 1e-3
	}
	return 1e-4
}

// packText packs a text as one stream of rows, all of it for training.
func packText(spec BenchSpec, path string) error {
	ids, err := textIDs(spec.ModelDir, spec.TextPath)
	if err != nil {
		return err
	}
	rows := windows(ids, spec.SeqLength)
	if rows.N > 1 {
		rows.N-- // the last is padded
	}
	n := rows.N * rows.SeqLength
	rows.IDs, rows.Labels, rows.Segments = rows.IDs[:n], rows.Labels[:n], rows.Segments[:n]
	return dataset.WritePack(path, rows, rows, dataset.Rows{})
}
