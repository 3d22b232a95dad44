package calibrate

import (
	"context"

	"ftadvise/calibrate/evidence"
)

// Engine trains groups of trials on one device. Its methods are called from one
// goroutine at a time.
type Engine interface {
	// Info says what the engine is and which machine it found, before any training.
	Info(ctx context.Context) (evidence.Environment, error)
	// Train trains the group's trials and calls observe for each event, in order:
	// for each trial one TrialStarted, its steps and evaluations, one TrialEnded, and
	// between them what the segment's Measure asks for, where it could be measured.
	// When ctx ends, the engine finishes the step, saves where the trial says so,
	// ends the trial as interrupted and returns ctx's error. A trial that runs out of
	// memory or diverges ends with that status and is no error; the group's other
	// trials go on. An *EngineError means that the engine is gone or useless; the next
	// Train starts a fresh one. An *InputError or *EnvironmentError says what to mend.
	Train(ctx context.Context, group Group, observe func(Event)) error
	// Close frees the engine and all the memory it held; it may be called twice, and a
	// Train after it starts a fresh engine. That is how a trial that ran out of memory
	// is tried again: never in a process whose memory is torn.
	Close() error
}

// KilledForMemory is the What of an EngineError whose process the kernel killed
// because the machine's memory had run out.
const KilledForMemory = "killed by the kernel (memory)"

// EngineError reports an engine that died, hung or talked nonsense. Its run is
// resumable.
type EngineError struct {
	What   string // one line: killed by signal 9, no heartbeat for 60s, ...
	Stderr string // the last lines that the engine wrote there
	Err    error
}

// Error implements error.
func (e *EngineError) Error() string {
	if e.Err != nil {
		return "engine: " + e.What + ": " + e.Err.Error()
	}
	return "engine: " + e.What
}

// Unwrap returns the cause.
func (e *EngineError) Unwrap() error { return e.Err }

// EnvironmentError reports something amiss with the machine rather than with the
// input: no libtorch, a lost GPU, a folder without write permission.
type EnvironmentError struct {
	What string
	Hint string // what to do about it
	Err  error
}

// Error implements error.
func (e *EnvironmentError) Error() string {
	if e.Err != nil {
		return e.What + ": " + e.Err.Error()
	}
	return e.What
}

// Unwrap returns the cause.
func (e *EnvironmentError) Unwrap() error { return e.Err }

// InputError reports input that the engine or a reader refuses: which file, tensor
// or module, and what to do about it.
type InputError struct {
	Where string // file, tensor, line
	What  string
	Hint  string
}

// Error implements error.
func (e *InputError) Error() string {
	if e.Where == "" {
		return e.What
	}
	return e.Where + ": " + e.What
}

// Group is a set of trials that share base model, data and shape, so that an engine
// may load once and, where that pays, train several arms in one pass.
type Group struct {
	ModelDir      string             `json:"model_dir"`
	RandomWeights bool               `json:"random_weights,omitempty"` // initialise from config.json alone
	PackPath      string             `json:"pack_path"`                // made by dataset.Pack
	Device        string             `json:"device"`
	Precision     string             `json:"precision"`
	Threads       int                `json:"threads"` // CPU threads; 0 leaves it to the engine
	MicroBatch    int                `json:"micro_batch"`
	Accumulation  int                `json:"accumulation"`
	Optimizer     evidence.Optimizer `json:"optimizer"`
	Checkpointing bool               `json:"checkpointing,omitempty"` // recompute activations
	DataSeed      int64              `json:"data_seed"`               // order of the batches
	Segments      []Segment          `json:"segments"`
	Profile       string             `json:"profile,omitempty"` // file for a trace of a few steps of each trial
}

// Segment is the part of a trial to train now.
type Segment struct {
	Trial evidence.Trial `json:"trial"`
	// FromStep is 0, or the step of the checkpoint Load; ToStep is the last step to do.
	FromStep int    `json:"from_step"`
	ToStep   int    `json:"to_step"`
	Load     string `json:"load,omitempty"` // checkpoint folder to start from
	// Save is the checkpoint folder to write at the end, or where the segment is
	// interrupted or cut; it is new, never Load, and holds the state of the last step.
	Save string `json:"save,omitempty"`
	// Export is a folder for the trained weights: a PEFT adapter or a Hugging Face model.
	Export    string `json:"export,omitempty"`
	EvalSteps []int  `json:"eval_steps"` // evaluate after these steps; 0 is the base model
	// General evaluates on the general set as well, where the pack has one: the base
	// model, and the segment's end if that is among EvalSteps. Forgetting asks for no more.
	General bool `json:"general"`
	// DeadlineSeconds ends the segment at the first step that is done after so many
	// seconds: it is saved like a whole one and ends as cut by budget. 0 never does.
	DeadlineSeconds float64 `json:"deadline_seconds,omitempty"`
	// Measure asks for more than losses and times; nil for nothing.
	Measure *Measure `json:"measure,omitempty"`
}
