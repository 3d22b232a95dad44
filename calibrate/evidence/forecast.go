package evidence

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
	Trial        string       `json:"trial"` // the probe's ID
	Method       Method       `json:"method"`
	LearningRate float64      `json:"learning_rate"`
	HorizonSteps int          `json:"horizon_steps"`
	SeenSteps    int          `json:"seen_steps"`
	Loss         Distribution `json:"loss"`
	BestLoss     Distribution `json:"best_loss"` // with early stopping
	BestStep     int          `json:"best_step"`
	// Curve is the expected path from the last seen step to the horizon, with its fan.
	Curve  []FanPoint         `json:"curve,omitempty"`
	Weight map[string]float64 `json:"weight,omitempty"` // of each law in the mixture
	Misfit bool               `json:"misfit,omitempty"` // no law fits; the last value stands in
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
}

// Domain is how narrow the data are and how much there is to learn, measured once.
// NaN-free: what was not measured is absent.
type Domain struct {
	BaseLoss        *float64 `json:"base_loss,omitempty"`         // nats a token on the held-out set
	BaseGeneralLoss *float64 `json:"base_general_loss,omitempty"` // on general text
	UniformLoss     *float64 `json:"uniform_loss,omitempty"`      // ln(vocab)
	// DemandBits is the information to learn: (base - forecast best loss) x tokens / ln 2.
	DemandBits *float64 `json:"demand_bits,omitempty"`
	// CapacityBits is LoRA's capacity at 2 bits a trainable parameter (arXiv 2607.21351).
	CapacityBits    *float64 `json:"capacity_bits,omitempty"`
	TypeTokenRatio  *float64 `json:"type_token_ratio,omitempty"`
	TokenDivergence *float64 `json:"token_divergence,omitempty"` // Jensen-Shannon, bits, data against general text
	TokenEntropy    *float64 `json:"token_entropy,omitempty"`    // unigram, bits a token
	// Narrowness is in [0,1]: 0 is as broad as general text, 1 is one repeated record.
	Narrowness *float64 `json:"narrowness,omitempty"`
	// Gradient and update spectra, per layer, where measured.
	Layers []LayerSpectrum `json:"layers,omitempty"`
	// EmbeddingGradShare is the share of gradient energy on embeddings and head.
	EmbeddingGradShare *float64 `json:"embedding_grad_share,omitempty"`
}

// LayerSpectrum is what the gradient and the full update of one weight look like.
type LayerSpectrum struct {
	Name             string  `json:"name"`
	EffectiveRank    float64 `json:"effective_rank"`     // exp of the entropy of the gradient's squared singular values
	TopRankShare     float64 `json:"top_rank_share"`     // of gradient energy in the top r directions
	UpdateStableRank float64 `json:"update_stable_rank"` // |dW|_F^2 / |dW|_2^2 after the probe
}
