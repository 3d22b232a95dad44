package torch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/dataset/packfile"
	"ftadvise/calibrate/evidence"
)

// BenchSpec is what Bench trains: a model on a text by some methods.
type BenchSpec struct {
	ModelDir, TextPath, Device, Precision string
	Batch, SeqLength, Steps, Threads      int
	Warm                                  int // first steps whose time does not count
	RandomWeights, Checkpointing          bool
	Methods                               []evidence.Method
	// Abreast trains so many copies of a LoRA method in one pass, each at a learning
	// rate of its own; 0 and 1 train one.
	Abreast int
	Tuning  Tuning
	Profile string            // path of traces to write, one a method; empty: none
	Log     func(line string) // hears what the engine has to say
}

// BenchArm is what one method measured.
type BenchArm struct {
	Arm             string    `json:"arm"`
	Abreast         int       `json:"abreast"`
	MsPerStep       float64   `json:"ms_per_step"`    // median, warm-up steps left out; of all that train abreast
	TokensPerSecond float64   `json:"tokens_per_s"`   // likewise
	PeakBytes       int64     `json:"peak_bytes"`     // allocated
	ReservedBytes   int64     `json:"reserved_bytes"` // RSS on a CPU
	Trainable       int64     `json:"trainable"`      // of one
	FirstLoss       float64   `json:"first_loss"`
	LastLoss        float64   `json:"last_loss"`
	Losses          []float64 `json:"losses"`
	// FirstStepAt is when the first step was known to be done, in Unix seconds, for whoever
	// knows when the process was started. A GPU's first steps are told together.
	FirstStepAt float64 `json:"first_step_at"`
}

// Bench trains by each method for the given steps and calls done with its measurements.
func (e *Engine) Bench(ctx context.Context, spec BenchSpec, done func(BenchArm)) error {
	if spec.Steps <= spec.Warm {
		return &calibrate.InputError{Where: "steps", What: fmt.Sprintf("%d are too few, the first %d do not count", spec.Steps, spec.Warm), Hint: "take more steps, or fewer to warm up"}
	}
	if err := positive("seq", spec.SeqLength, "tokens"); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ftadvise-bench-")
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left lies in the system's temporary folder
	pack := filepath.Join(dir, "pack.safetensors")
	if err := packText(spec, pack); err != nil {
		return refused(err)
	}
	e.tuning = spec.Tuning
	defer func() { e.tuning = Tuning{} }()
	for _, method := range spec.Methods {
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
		ModelDir: spec.ModelDir, PackPath: pack, Device: spec.Device, Precision: spec.Precision, Threads: spec.Threads,
		RandomWeights: spec.RandomWeights, Checkpointing: spec.Checkpointing, MicroBatch: spec.Batch, Accumulation: 1,
		Optimizer: evidence.Optimizer{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, ClipNorm: 1}, Segments: benchSegments(spec, method),
	}
	if spec.Profile != "" {
		group.Profile = spec.Profile + "." + string(method.Kind) + ".json"
	}
	if passes := len(bundles(group, spec.SeqLength)); passes > 1 {
		return BenchArm{}, &calibrate.InputError{Where: "bench", What: fmt.Sprintf("%d arms of %d tokens would take %d passes", spec.Abreast, spec.Batch*spec.SeqLength, passes), Hint: "take fewer arms or tokens"}
	}
	watch := stopwatch{log: spec.Log, arm: BenchArm{Arm: string(method.Kind), Abreast: len(group.Segments)}, trial: group.Segments[0].Trial.ID, warm: spec.Warm}
	err := e.Train(ctx, group, watch.observe)
	if err := errors.Join(err, watch.failure); err != nil {
		return watch.arm, err
	}
	return watch.result(spec), nil
}

// benchSegments is one segment, or LoRA's many as a learning-rate search has them.
func benchSegments(spec BenchSpec, method evidence.Method) []calibrate.Segment {
	abreast, stage := 1, evidence.StageFit
	if method.Kind == evidence.LoRA && spec.Abreast > 1 {
		abreast, stage = spec.Abreast, evidence.StageSearch
	}
	var out []calibrate.Segment
	for i := range abreast {
		out = append(out, calibrate.Segment{
			Trial: evidence.Trial{
				ID: fmt.Sprintf("%s-%d", method.Kind, i), Stage: stage, Method: method,
				LearningRate: benchRate(method) * math.Pow(1.2, float64(i)), Seed: int64(i) + 1,
			},
			ToStep: spec.Steps,
		})
	}
	return out
}

// stopwatch listens to a training and keeps what its first trial tells.
type stopwatch struct {
	log     func(string)
	arm     BenchArm
	trial   string
	warm    int
	seconds []float64
	failure error
}

func (w *stopwatch) observe(event calibrate.Event) {
	switch x := event.(type) {
	case calibrate.TrialStarted:
		w.arm.Trainable = x.TrainableParams
	case calibrate.StepDone:
		if x.Trial == w.trial {
			w.step(x)
		}
	case calibrate.MemoryMeasured:
		w.arm.PeakBytes, w.arm.ReservedBytes = x.PeakAllocatedBytes, x.PeakReservedBytes
	case calibrate.LogLine:
		w.log(x.Text)
	case calibrate.TrialEnded:
		switch x.Status {
		case evidence.Completed:
		case evidence.OutOfMemory:
			w.failure = fmt.Errorf("bench: %w: %s", ErrDoesNotFit, x.Reason)
		default:
			w.failure = fmt.Errorf("bench: %s: %s %s", x.Trial, x.Status, x.Reason)
		}
	}
}

func (w *stopwatch) step(x calibrate.StepDone) {
	if x.Step == 1 {
		w.arm.FirstLoss, w.arm.FirstStepAt = x.Loss, float64(time.Now().UnixMicro())/1e6
	}
	w.arm.LastLoss = x.Loss
	w.arm.Losses = append(w.arm.Losses, x.Loss)
	if x.Step > w.warm {
		w.seconds = append(w.seconds, x.Seconds)
	}
}

func (w *stopwatch) result(spec BenchSpec) BenchArm {
	slices.Sort(w.seconds)
	median := w.seconds[len(w.seconds)/2]
	w.arm.MsPerStep = median * 1e3
	w.arm.TokensPerSecond = float64(w.arm.Abreast*spec.Batch*spec.SeqLength) / median
	return w.arm
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
	return packfile.Write(path, packfile.Pack{Train: rows, Eval: rows})
}
