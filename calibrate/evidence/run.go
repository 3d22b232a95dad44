package evidence

import "time"

// SchemaVersion is the version of the Run's JSON. A reader refuses a newer one.
const SchemaVersion = 1

// State is how far a calibration got.
type State string

// The states of a run. Only Done runs were carried out as planned.
const (
	Running   State = "running"
	Stopped   State = "interrupted" // resumable
	Done      State = "done"
	Abandoned State = "failed" // the reason is in Warnings
)

// Run is all that one calibration found out.
type Run struct {
	Schema     int       `json:"schema"`
	ID         string    `json:"id"`
	CreatedAt  time.Time `json:"created_at"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	Seconds    float64   `json:"seconds"` // wall time over all sittings
	// EarlierSeconds is the wall time of the calibrations of the same that this longer
	// one replaces: rounds that did not decide.
	EarlierSeconds float64       `json:"earlier_seconds,omitempty"`
	State          State         `json:"state"`
	Version        string        `json:"version"` // of ftadvise
	Setup          Setup         `json:"setup"`
	Environment    Environment   `json:"environment"`
	Data           Data          `json:"data"`
	Domain         Domain        `json:"domain"`
	Plan           *Plan         `json:"plan,omitempty"` // once the step times are known
	Trials         []TrialResult `json:"trials"`
	Forecasts      []Forecast    `json:"forecasts,omitempty"`
	Gaps           []Gap         `json:"gaps,omitempty"`
	Warnings       []Warning     `json:"warnings,omitempty"`
}

// Plan is how the budget was shared out. Its steps are optimizer steps, ascending.
type Plan struct {
	WarmupSteps int   `json:"warmup_steps"`
	SearchRates int   `json:"search_rates"`         // learning rates an arm to begin with
	RungSteps   []int `json:"rung_steps,omitempty"` // where a round of the search ends and rates are dropped
	ProbeSteps  int   `json:"probe_steps"`          // of every arm's trunk
	EvalSteps   []int `json:"eval_steps,omitempty"` // held-out evaluations of a trunk
	Seeds       int   `json:"seeds"`
	// LeftOut are spare arms that the budget does not pay for.
	LeftOut []Method `json:"left_out,omitempty"`
	// PredictedSeconds is the time for all of it, as known when it was last laid out.
	PredictedSeconds float64 `json:"predicted_seconds"`
}

// Setup is what all trials of a run share.
type Setup struct {
	Preset        string    `json:"preset,omitempty"` // "essay" for the fixed comparison
	Model         Model     `json:"model"`
	Device        string    `json:"device"`    // cpu, cuda:0
	Precision     string    `json:"precision"` // fp32, bf16, bf16-pure
	SeqLength     int       `json:"seq_length"`
	MicroBatch    int       `json:"micro_batch"`  // rows a forward pass
	Accumulation  int       `json:"accumulation"` // forward passes an optimizer step
	Optimizer     Optimizer `json:"optimizer"`
	HorizonSteps  int       `json:"horizon_steps"`
	BudgetSeconds float64   `json:"budget_seconds"`
	Seed          int64     `json:"seed"` // of the batches and the split
	EvalRows      int       `json:"eval_rows"`
	LoRA          Method    `json:"lora"` // what the user asked for
}

// StepTokens is the number of tokens in one optimizer step.
func (s Setup) StepTokens() int { return s.MicroBatch * s.Accumulation * s.SeqLength }

// Model describes the base model, from its config.json.
type Model struct {
	Name         string `json:"name"` // what the user typed, or org/name@commit
	Revision     string `json:"revision,omitempty"`
	Architecture string `json:"architecture"` // model_type: llama, gpt2, ...
	Params       int64  `json:"params"`
	Layers       int    `json:"layers"`
	Hidden       int    `json:"hidden"`
	Vocab        int    `json:"vocab"`
	MaxPositions int    `json:"max_positions"`
	Fingerprint  string `json:"fingerprint"` // sha256 over config, weights' headers and sizes, tokenizer
	// RandomWeights marks a model that was never trained: it measures time and
	// memory and never yields a recommendation.
	RandomWeights bool `json:"random_weights,omitempty"`
}

// Optimizer is AdamW's setting, the same for every method but for the rate.
type Optimizer struct {
	Beta1       float64 `json:"beta1"`
	Beta2       float64 `json:"beta2"`
	Epsilon     float64 `json:"epsilon"`
	WeightDecay float64 `json:"weight_decay"`
	ClipNorm    float64 `json:"clip_norm"` // 0 clips nothing
}

// Environment is where a run ran.
type Environment struct {
	Host            string `json:"host,omitempty"`
	OS              string `json:"os"`
	CPU             string `json:"cpu"`
	Cores           int    `json:"cores"`
	MemoryBytes     int64  `json:"memory_bytes"`
	Engine          string `json:"engine"`   // name and version
	Libtorch        string `json:"libtorch"` // 2.11.0
	Threads         int    `json:"threads"`
	GPU             string `json:"gpu,omitempty"`
	GPUMemoryBytes  int64  `json:"gpu_memory_bytes,omitempty"`
	GPUFreeBytes    int64  `json:"gpu_free_bytes,omitempty"` // before the first trial
	Driver          string `json:"driver,omitempty"`
	ComputeCapacity string `json:"compute_capability,omitempty"` // 9.0
}

// Data is what was read of the user's dataset.
type Data struct {
	Name        string `json:"name"`
	Validation  string `json:"validation,omitempty"` // held-out data of their own; Name where a data set has a split for it; empty: a part of these
	Format      string `json:"format"`               // jsonl, csv, text, ...
	Shape       string `json:"shape"`                // text, prompt-completion, messages, ...
	Fingerprint string `json:"fingerprint"`
	Records     int64  `json:"records"`
	Bytes       int64  `json:"bytes"`
	// Tokens is the training tokens of one epoch, estimated beyond what was tokenised.
	Tokens         int64   `json:"tokens"`
	TrainRows      int     `json:"train_rows"` // packed rows of SeqLength tokens
	EvalRows       int     `json:"eval_rows"`
	EvalTokens     int64   `json:"eval_tokens"`     // predicted ones
	LabelledShare  float64 `json:"labelled_share"`  // of tokens that carry loss
	TruncatedShare float64 `json:"truncated_share"` // of records cut at SeqLength
	DuplicateShare float64 `json:"duplicate_share"` // exact duplicates among records
	NearDupShare   float64 `json:"near_duplicate_share"`
	LeakShare      float64 `json:"leak_share"` // held-out records that also train
	// LabelCounts is for classification only.
	LabelCounts map[string]int64 `json:"label_counts,omitempty"`
	// Samples are a few records with their loss mask, for the report; text as it is.
	Samples []Sample `json:"samples,omitempty"`
}

// Sample is one record as the model sees it.
type Sample struct {
	Prompt     string `json:"prompt,omitempty"` // carries no loss
	Completion string `json:"completion"`       // carries loss
}

// Warning is doubt about a run, carried as data.
type Warning struct {
	Code string `json:"code"` // kebab-case, stable: thirty-steps, few-eval-tokens
	Text string `json:"text"` // one sentence, and what to do
}
