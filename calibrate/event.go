package calibrate

import "ftadvise/calibrate/evidence"

// Event is one thing that happened in a group: a TrialStarted, StepDone, EvalDone,
// MemoryMeasured, SpectrumMeasured, TokensMeasured, TrialEnded or LogLine.
type Event interface{ event() }

// TrialStarted says that a trial's weights are on the device.
type TrialStarted struct {
	Trial           string `json:"trial"`
	TrainableParams int64  `json:"trainable_params"`
	TotalParams     int64  `json:"total_params"`
	MicroBatch      int    `json:"micro_batch"`
	Accumulation    int    `json:"accumulation"`
}

// StepDone is one optimizer step. Engines may send several together, since they read
// losses back only now and then.
type StepDone struct {
	Trial        string  `json:"trial"`
	Step         int     `json:"step"` // from 1
	Loss         float64 `json:"loss"` // mean over the batch's predicted tokens
	GradNorm     float64 `json:"grad_norm"`
	LearningRate float64 `json:"learning_rate"`
	Seconds      float64 `json:"seconds"`
	Tokens       int     `json:"tokens"`
	Warm         bool    `json:"warm"` // not among the first steps, whose time does not count
}

// Which held-out set an EvalDone is about.
const (
	SetHeldOut = "held-out"
	SetGeneral = "general"
)

// EvalDone is the mean loss over a fixed held-out set.
type EvalDone struct {
	Trial    string   `json:"trial"`
	Step     int      `json:"step"`
	Set      string   `json:"set"`
	Loss     float64  `json:"loss"`
	Tokens   int      `json:"tokens"`
	Seconds  float64  `json:"seconds"`
	Accuracy *float64 `json:"accuracy,omitempty"` // share of answers right, for classification
}

// MemoryMeasured is the peak since the trial's start.
type MemoryMeasured struct {
	Trial              string `json:"trial"`
	PeakAllocatedBytes int64  `json:"peak_allocated_bytes"`
	PeakReservedBytes  int64  `json:"peak_reserved_bytes"`
}

// TrialEnded closes a trial's segment.
type TrialEnded struct {
	Trial  string          `json:"trial"`
	Status evidence.Status `json:"status"`
	Reason string          `json:"reason,omitempty"`
	Steps  int             `json:"steps"` // done in all, earlier segments counted
	Saved  string          `json:"saved,omitempty"`
}

// LogLine is something an engine wants a person to know.
type LogLine struct {
	Level string `json:"level"` // info, warning
	Text  string `json:"text"`
}

func (TrialStarted) event()   {}
func (StepDone) event()       {}
func (EvalDone) event()       {}
func (MemoryMeasured) event() {}
func (TrialEnded) event()     {}
func (LogLine) event()        {}
