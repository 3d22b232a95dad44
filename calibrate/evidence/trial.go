package evidence

// Stage says what a trial was run for.
type Stage string

// The stages of a plan, in the order in which they run.
const (
	StageFit    Stage = "fit"    // does one step fit in memory, and how long does it take
	StageSearch Stage = "search" // which learning rate
	StageProbe  Stage = "probe"  // the trunk: constant rate after warm-up, towards the horizon
	StageEssay  Stage = "essay"  // the fixed thirty-step comparison
	StageImport Stage = "import" // somebody else's finished run
)

// Trial is one intended training run: a method at a learning rate with a seed.
type Trial struct {
	ID           string   `json:"id"` // unique in its run, [a-z0-9.-]+
	Stage        Stage    `json:"stage"`
	Method       Method   `json:"method"`
	LearningRate float64  `json:"learning_rate"` // the peak of Schedule
	Schedule     Schedule `json:"schedule"`
	Seed         int64    `json:"seed"` // of A's initial values and of dropout; never of the batches
	Steps        int      `json:"steps"`
}

// Status says what became of a trial. Out of memory and divergence are outcomes,
// not errors: that full fine-tuning does not fit is the best evidence there is.
type Status string

// What can become of a trial.
const (
	Completed   Status = "completed"
	OutOfMemory Status = "out of memory" // at this micro-batch; the run went on with half
	DoesNotFit  Status = "does not fit"  // out of memory at micro-batch 1
	Diverged    Status = "diverged"      // loss or gradient norm not finite, or above the ceiling
	CutByBudget Status = "cut by budget" // stopped early because the time was up
	Dropped     Status = "dropped"       // lost a round of the learning-rate search
	Interrupted Status = "interrupted"   // stopped by the user; resumable
	EngineDied  Status = "engine died"   // crashed, hung or talked nonsense; resumable
	Pending     Status = "pending"       // not started
	Paused      Status = "paused"        // between two of its segments
)

// Finished reports whether the trial has nothing left to do on resume.
func (s Status) Finished() bool {
	switch s {
	case Pending, Paused, Interrupted, EngineDied, OutOfMemory:
		return false
	default:
		return true
	}
}

// Point is one loss at one optimizer step. Step 0 is the untouched base model.
type Point struct {
	Step int     `json:"step"`
	Loss float64 `json:"loss"` // nats per predicted token
}

// Summary describes repeated measurements of one quantity.
type Summary struct {
	N      int     `json:"n"`
	Median float64 `json:"median"`
	P10    float64 `json:"p10"`
	P90    float64 `json:"p90"`
}

// Outcome is what became of a trial and what was measured on the way.
type Outcome struct {
	Status Status `json:"status"`
	Reason string `json:"reason,omitempty"` // for people: which step, which value
	Steps  int    `json:"steps"`            // optimizer steps done

	TrainLoss []Point `json:"train_loss,omitempty"` // mean over each step's batch
	EvalLoss  []Point `json:"eval_loss,omitempty"`  // on the fixed held-out set
	// GeneralLoss is on text that is not of the user's domain; its rise is forgetting, which
	// full was seen to do more of than LoRA (arXiv 2405.09673).
	GeneralLoss []Point `json:"general_loss,omitempty"`
	// EvalAccuracy is the share of held-out records whose label greedy decoding writes,
	// end token included, for classification data only. Loss holds a share in [0,1].
	EvalAccuracy []Point `json:"eval_accuracy,omitempty"`
	GradNorm     []Point `json:"grad_norm,omitempty"` // before clipping; Loss holds the norm

	StepSeconds Summary `json:"step_seconds"` // optimizer step, warm-up steps left out
	// StepTimes are the steps behind StepSeconds in order; a drift or a jump in them
	// shows a throttled clock or a busy neighbour.
	StepTimes          []float64 `json:"step_times,omitempty"`
	TokensPerSecond    float64   `json:"tokens_per_second"`
	PeakAllocatedBytes int64     `json:"peak_allocated_bytes"` // RSS growth on a CPU
	PeakReservedBytes  int64     `json:"peak_reserved_bytes"`
	TrainableParams    int64     `json:"trainable_params"`
	TotalParams        int64     `json:"total_params"` // base model and adapter together
	MicroBatch         int       `json:"micro_batch"`
	Accumulation       int       `json:"accumulation"`
	Seconds            float64   `json:"seconds"`                    // wall time, evaluation included
	EvalSeconds        float64   `json:"eval_seconds,omitempty"`     // of that, on the held-out set
	OverheadSeconds    float64   `json:"overhead_seconds,omitempty"` // of that, loading, saving and the like
	MeasureSeconds     float64   `json:"measure_seconds,omitempty"`  // of that, looking at gradients and weights
	Segments           int       `json:"segments,omitempty"`         // sittings in which it was trained
	// Checkpoint is the trial's last whole state, relative to the run's folder.
	Checkpoint string `json:"checkpoint,omitempty"`
}

// LastEval returns the newest held-out point, and false where there is none.
func (o Outcome) LastEval() (Point, bool) { return last(o.EvalLoss) }

// LastAccuracy returns the newest held-out accuracy, and false where there is none.
func (o Outcome) LastAccuracy() (Point, bool) { return last(o.EvalAccuracy) }

// BestEval returns the held-out point with the lowest loss: early stopping's
// choice, the same rule for every method.
func (o Outcome) BestEval() (Point, bool) {
	best, ok := last(o.EvalLoss)
	for _, p := range o.EvalLoss {
		if p.Loss < best.Loss {
			best = p
		}
	}
	return best, ok
}

func last(points []Point) (Point, bool) {
	if len(points) == 0 {
		return Point{}, false
	}
	return points[len(points)-1], true
}

// TrialResult is a trial with its outcome.
type TrialResult struct {
	Trial
	Outcome Outcome `json:"outcome"`
}
