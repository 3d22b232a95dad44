package advisor

import (
	"time"

	"ftadvise/calibrate/evidence"
)

// SchemaVersion is the version of the Recommendation's JSON.
const SchemaVersion = 1

// Answer is what a recommendation says.
type Answer string

// The answers. The last ones are answers too: a tool that always names a method is
// wrong whenever the evidence does not reach that far.
const (
	UseFull        Answer = "full"
	UseLoRA        Answer = "lora"
	RaiseRank      Answer = "raise the rank"   // LoRA, with a larger rank than tried first
	Either         Answer = "either"           // the difference is below what matters
	BudgetTooSmall Answer = "budget too small" // the evidence cannot tell; how much more is said
	Unfit          Answer = "unfit"            // model or data: worse than uniform, leak, random weights
	NothingFits    Answer = "does not fit"     // neither method fits on the device
	Undecided      Answer = "undecided"        // the policy contradicts itself or could not be evaluated
)

// Decides reports whether the answer settles the question: a method, or that either
// will do.
func (a Answer) Decides() bool {
	return a == UseFull || a == UseLoRA || a == RaiseRank || a == Either
}

// Verdict is a Decider's word.
type Verdict struct {
	Answer  Answer          `json:"answer"`
	Method  evidence.Method `json:"method"` // with rank; zero where no method is named
	Policy  string          `json:"policy"` // name@digest
	Rule    string          `json:"rule"`   // which rule fired
	Because string          `json:"because"`
	// Confidence is the probability that the named method is right by the policy's own
	// measure (where none is named, that of the leading one; 0 where nothing could be
	// compared), and Needed what the policy asks for. 1 where only one method was left.
	Confidence float64     `json:"confidence"`
	Needed     float64     `json:"confidence_needed"`
	Trace      []RuleTrace `json:"trace,omitempty"` // every rule, in order
	// Violations lists hard constraints that ruled options out.
	Violations []Violation `json:"violations,omitempty"`
}

// RuleTrace is one rule's evaluation.
type RuleTrace struct {
	Rule    string             `json:"rule"`
	When    string             `json:"when"` // the expression
	Matched bool               `json:"matched"`
	Values  map[string]float64 `json:"values,omitempty"` // facts it read
	Error   string             `json:"error,omitempty"`
}

// Violation is a hard constraint that an option does not meet.
type Violation struct {
	Constraint string `json:"constraint"`
	Option     string `json:"option"` // "" means every option
	Message    string `json:"message"`
}

// Decider decides from features alone. Policies implement it.
type Decider interface {
	Decide(Features) (Verdict, error)
}

// Terse is a Decider that can also answer without trace and sentences, which is all
// that the search for flips needs.
type Terse interface {
	Terse(Features) (Verdict, error)
}

// Option is one method with what it would cost over the stakes' months.
type Option struct {
	Name         string                 `json:"name"`             // full, lora(r=8)
	Chosen       bool                   `json:"chosen,omitempty"` // the verdict's
	Method       evidence.Method        `json:"method"`
	LearningRate float64                `json:"learning_rate"`
	Loss         *evidence.Distribution `json:"loss,omitempty"` // at the horizon, nats a token
	BestLoss     *evidence.Distribution `json:"best_loss,omitempty"`
	Accuracy     *float64               `json:"accuracy,omitempty"` // held-out, as last measured, for classification
	Costs        []Cost                 `json:"costs"`
	Total        evidence.Distribution  `json:"total"`                // dollars
	RegretUSD    float64                `json:"expected_regret_usd"`  // of choosing this one
	Dominated    string                 `json:"dominated,omitempty"`  // why it fell
	StepSeconds  float64                `json:"step_seconds"`         // measured median
	PeakBytes    int64                  `json:"peak_allocated_bytes"` // measured
	Trainable    int64                  `json:"trainable_params"`
	TrainHours   float64                `json:"train_hours"`         // to the horizon on this device
	StopStep     int                    `json:"stop_step,omitempty"` // best checkpoint, where it comes before the end
	Stop         *evidence.Stop         `json:"stop,omitempty"`      // the advice on when to end training
	Serving      string                 `json:"serving,omitempty"`   // the cheapest layout
}

// StopsEarly reports whether the option is judged at a checkpoint before the end whose
// loss is lower than what the 80 % interval at the horizon holds.
func (o Option) StopsEarly() bool {
	if o.Stop != nil {
		return o.Stop.Saves > 0
	}
	return o.StopStep > 0 && o.Loss != nil && o.BestLoss != nil && o.BestLoss.Mean < o.Loss.P10
}

// Cost is one line of an option's bill.
type Cost struct {
	Name  string                `json:"name"` // one of CostNames
	USD   evidence.Distribution `json:"usd"`
	Basis string                `json:"basis"` // how it was reckoned, for people
}

// Flip is a fact that would change the answer, and where.
type Flip struct {
	Fact   string  `json:"fact"`
	Now    float64 `json:"now"`
	At     float64 `json:"at"` // the value from which on the answer differs
	Unit   string  `json:"unit"`
	Answer Answer  `json:"answer"` // the other answer
	Text   string  `json:"text"`   // "LoRA wins below $12,000 a nat"
}

// Swing is one bar of the sensitivity tornado: the difference of expected total
// cost, LoRA less full, at the low and the high end of an input.
type Swing struct {
	Fact    string  `json:"fact"`
	Unit    string  `json:"unit"`
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
	LowUSD  float64 `json:"low_usd"`
	HighUSD float64 `json:"high_usd"`
	Flips   bool    `json:"flips"`
}

// Assumption is a value that the user did not give.
type Assumption struct {
	Name   string `json:"name"`
	Value  string `json:"value"`  // with its unit
	Origin string `json:"origin"` // default, config.yaml:12, flag, measured, derived
}

// MoreEvidence is what more calibration would cost and be worth.
type MoreEvidence struct {
	Steps    int     `json:"steps"` // an arm
	Seconds  float64 `json:"seconds"`
	CostUSD  float64 `json:"cost_usd"`
	WorthUSD float64 `json:"worth_usd"` // expected value of sample information
	Pays     bool    `json:"pays"`      // it is worth more than it costs
	Command  string  `json:"command"`
}

// Ratios are full's measurements over LoRA's: the overhead of full fine-tuning.
type Ratios struct {
	StepTime  float64 `json:"step_time"`
	PeakBytes float64 `json:"peak_allocated_bytes"`
	Trainable float64 `json:"trainable_params"`
}

// Recommendation is the answer to the user's question, with its reasons.
type Recommendation struct {
	Schema    int       `json:"schema"`
	Run       string    `json:"run"` // evidence.Run's ID
	CreatedAt time.Time `json:"created_at"`
	Version   string    `json:"version"`
	Verdict   Verdict   `json:"verdict"`
	Headline  string    `json:"headline"` // one sentence that answers
	// PFullBetter is the probability that full's held-out loss is the lower, each at its
	// best checkpoint; PFullCheaper that its whole bill is.
	PFullBetter  *float64               `json:"p_full_better,omitempty"`
	PFullCheaper *float64               `json:"p_full_cheaper,omitempty"`
	Confidence   float64                `json:"confidence"`         // the verdict's
	Gap          *evidence.Distribution `json:"gap_nats,omitempty"` // LoRA's loss less full's, as decided on
	Regime       evidence.Regime        `json:"regime"`
	Options      []Option               `json:"options"`
	Ratios       *Ratios                `json:"ratios,omitempty"`
	Flips        []Flip                 `json:"flips,omitempty"`
	Tornado      []Swing                `json:"tornado,omitempty"`
	Rank         []string               `json:"rank_because,omitempty"`    // why the rank that the verdict names
	Targets      []string               `json:"targets_because,omitempty"` // why other target modules than were asked for
	BreakEven    *float64               `json:"break_even_usd_per_nat,omitempty"`
	More         *MoreEvidence          `json:"more_evidence,omitempty"`
	Stakes       Stakes                 `json:"stakes"`
	Assumptions  []Assumption           `json:"assumptions"`
	Features     map[string]float64     `json:"features"`
	Next         []string               `json:"next"` // commands
	Warnings     []evidence.Warning     `json:"warnings,omitempty"`
}
