package calibrate

import (
	"time"

	"ftadvise/calibrate/evidence"
)

// Spec is what to calibrate, with nothing left to default: config resolves flags,
// environment, file and defaults into it.
type Spec struct {
	Preset        string // "" or "essay"
	ModelDir      string // a Hugging Face folder on disk
	Model         evidence.Model
	Data          evidence.Data
	Domain        evidence.Domain    // what the text alone tells, by dataset.Pack
	Warnings      []evidence.Warning // doubts about the data, for the run to carry
	Version       string             // of ftadvise
	PackPath      string             // made by dataset.Pack; relative to the run's folder, or absolute
	Device        string             // cpu, cuda:0
	Precision     string             // fp32, bf16, bf16-pure
	Threads       int                // 0: the engine chooses
	SeqLength     int
	MicroBatch    int
	Accumulation  int
	Optimizer     evidence.Optimizer
	WarmupSteps   int
	Full          bool              // try full fine-tuning
	LoRA          []evidence.Method // LoRA arms; the first is the user's choice
	RateFull      float64           // prior of full's learning rate, the search's centre
	RateLoRA      float64           // prior of LoRA's
	SearchRates   int               // learning rates an arm; 1 takes the prior
	HorizonSteps  int
	Budget        time.Duration // wall time of all sittings; 0 sets no limit
	Seeds         int
	Seed          int64
	Checkpointing bool
}

// Methods lists the arms in the order in which they are tried.
func (s Spec) Methods() []evidence.Method {
	var out []evidence.Method
	if s.Full {
		out = append(out, evidence.Method{Kind: evidence.Full})
	}
	return append(out, s.LoRA...)
}

// Observer hears of everything as it happens. Run calls it from one goroutine.
type Observer interface {
	// Planned tells the trials to come, again whenever the plan changes.
	Planned(run *evidence.Run)
	// Happened tells one event.
	Happened(Event)
}
