package evidence

import "math"

// Distribution is a forecast of one number by its mean and quantiles.
type Distribution struct {
	Mean float64 `json:"mean"`
	SD   float64 `json:"sd"`
	P10  float64 `json:"p10"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
}

// Regime labels how far the evidence reaches.
type Regime string

// The regimes of a forecast.
const (
	Measured       Regime = "measured" // the probe reached the horizon
	Decided        Regime = "decided"
	NeedsMore      Regime = "needs more"
	BudgetTooSmall Regime = "budget too small"
)

// Forecast is the loss of one arm at the horizon and at its best checkpoint.
type Forecast struct {
	Trial        string  `json:"trial"` // the probe's ID
	Method       Method  `json:"method"`
	LearningRate float64 `json:"learning_rate"` // the probe's
	// HorizonRate is the one that is expected to be best at the horizon, where that is
	// another: the losses here are forecast for it.
	HorizonRate  float64      `json:"horizon_rate,omitempty"`
	HorizonSteps int          `json:"horizon_steps"`
	SeenSteps    int          `json:"seen_steps"`
	Loss         Distribution `json:"loss"`
	BestLoss     Distribution `json:"best_loss"` // with early stopping
	BestStep     int          `json:"best_step"`
	Stop         *Stop        `json:"stop,omitempty"` // when to end training
	// Curve is the expected path from the last seen step to the horizon, with its fan.
	Curve  []FanPoint         `json:"curve,omitempty"`
	Weight map[string]float64 `json:"weight,omitempty"` // of each law in the mixture
	Misfit bool               `json:"misfit,omitempty"` // no law fits; the last value stands in
}

// RateToTrain is the learning rate to train to the horizon at.
func (f Forecast) RateToTrain() float64 {
	if f.HorizonRate > 0 {
		return f.HorizonRate
	}
	return f.LearningRate
}

// Stop is when to end training, from one held-out curve; the rule is the same for
// every method.
type Stop struct {
	Step   int     `json:"step"`   // the best checkpoint's where it is clearly better, else the horizon
	Loss   float64 `json:"loss"`   // expected there, in nats a token
	Saves  float64 `json:"saves"`  // nats a token better than at the horizon; 0 where that is the step
	Turned bool    `json:"turned"` // the curve has already risen from its lowest point
}

// FanPoint is one step of a forecast path.
type FanPoint struct {
	Step int     `json:"step"`
	P10  float64 `json:"p10"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
}

// Gap is the difference of two arms at the horizon: LoRA's loss less full's.
// Positive means that full is better.
type Gap struct {
	Full       string       `json:"full"` // trial IDs
	LoRA       string       `json:"lora"`
	LoRAMethod Method       `json:"lora_method"`
	AtHorizon  Distribution `json:"at_horizon"`
	AtBest     Distribution `json:"at_best"` // both at their best checkpoints
	// PFullBetter is the probability that full's loss is lower at the horizon.
	PFullBetter float64 `json:"p_full_better"`
	Regime      Regime  `json:"regime"`
	// MoreSteps is how many more steps an arm are needed for a decision; 0 if none.
	MoreSteps int `json:"more_steps,omitempty"`
	// Early reports that less was seen than finished curves can decide from.
	Early bool `json:"early,omitempty"`
	// Trend is where the gap was last seen and how it moved; zero where an arm is
	// stopped before the horizon, since the gap is then between checkpoints.
	Trend Trend `json:"trend,omitzero"`
}

// Trend is how a gap moved while it was seen, in nats.
type Trend struct {
	Last      float64 `json:"last"`      // at the last step that both arms were evaluated at
	Moved     float64 `json:"moved"`     // over the last doubling of the steps
	Doublings float64 `json:"doublings"` // of the steps that are left to the horizon
}

// Fades reports a lead beyond a margin in nats, either way, that is being lost so fast
// that at this pace, as much for each doubling of the steps, nothing of it would be left
// at the horizon.
func (t Trend) Fades(margin float64) bool {
	lead := t.Last - margin
	return lead*t.Moved < 0 && math.Abs(lead) < math.Abs(t.Moved)*t.Doublings
}
