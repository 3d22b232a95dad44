package calibrate

import (
	"slices"
	"time"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// Spec is what to calibrate, with nothing left to default: config resolves flags,
// environment, file and defaults into it.
type Spec struct {
	Preset        string             `json:"preset,omitempty"` // "" or "essay"
	ModelDir      string             `json:"model_dir"`        // a Hugging Face folder on disk
	Model         evidence.Model     `json:"model"`
	Data          evidence.Data      `json:"data"`
	Domain        evidence.Domain    `json:"domain"`             // what the text alone tells, by dataset.Pack
	Warnings      []evidence.Warning `json:"warnings,omitempty"` // doubts about the data, for the run to carry
	Version       string             `json:"version"`            // of ftadvise
	PackPath      string             `json:"pack_path"`          // made by dataset.Pack; relative to the run's folder, or absolute
	Device        string             `json:"device"`             // cpu, cuda:0
	Precision     string             `json:"precision"`          // fp32, bf16, bf16-pure
	Threads       int                `json:"threads"`            // 0: the engine chooses
	SeqLength     int                `json:"seq_length"`
	MicroBatch    int                `json:"micro_batch"`
	Accumulation  int                `json:"accumulation"`
	Optimizer     evidence.Optimizer `json:"optimizer"`
	WarmupSteps   int                `json:"warmup_steps"`
	Full          bool               `json:"full"`             // try full fine-tuning
	LoRA          []evidence.Method  `json:"lora"`             // LoRA arms that were asked for; the first is the user's choice
	Spares        []evidence.Method  `json:"spares,omitempty"` // LoRA arms beside them, the last to be left out first where the budget is small
	RankMost      int                `json:"rank_most"`        // the highest rank that the adapted matrices have; 0: not known
	RateFull      float64            `json:"rate_full"`        // prior of full's learning rate, the search's centre
	RateLoRA      float64            `json:"rate_lora"`        // prior of LoRA's
	SearchRates   int                `json:"search_rates"`     // learning rates an arm; 1 takes the prior
	HorizonSteps  int                `json:"horizon_steps"`
	Budget        time.Duration      `json:"budget_nanoseconds"` // wall time of all sittings; 0 sets no limit
	Seeds         int                `json:"seeds"`              // of each probe; 0: one, and a second where it may turn the answer
	Seed          int64              `json:"seed"`
	Checkpointing bool               `json:"checkpointing,omitempty"`
	// Profile is a file for a trace of a few steps of each arm; empty for none. It is of
	// one sitting and not kept.
	Profile string `json:"-"`
	// Library is the finished curves to forecast from; nil takes the embedded ones.
	Library *forecast.Library `json:"-"`
}

// Methods lists the arms in the order in which they are tried.
func (s Spec) Methods() []evidence.Method {
	var out []evidence.Method
	if s.Full {
		out = append(out, evidence.Method{Kind: evidence.Full})
	}
	return slices.Concat(out, s.LoRA, s.Spares)
}

// spare reports an arm that nobody asked for.
func (s Spec) spare(m evidence.Method) bool { return slices.Contains(s.Spares, m) }

// Observer hears of everything as it happens. Run calls it from one goroutine.
type Observer interface {
	// Planned tells the trials to come, again whenever the plan changes.
	Planned(run *evidence.Run)
	// Happened tells one event.
	Happened(Event)
}
