package evidence

// Domain is how narrow the data are and how much there is to learn, measured once.
// NaN-free: what was not measured is absent. Most of it is descriptive; StandingOf names
// what was shown to foretell LoRA's gap to full fine-tuning.
type Domain struct {
	BaseLoss        *float64 `json:"base_loss,omitempty"`         // nats a token on the held-out set
	BaseGeneralLoss *float64 `json:"base_general_loss,omitempty"` // on general text
	BaseAccuracy    *float64 `json:"base_accuracy,omitempty"`     // share of held-out answers right, for classification
	UniformLoss     *float64 `json:"uniform_loss,omitempty"`      // ln(vocab)
	// TokenLoss and GeneralTokenLoss are the base model's losses token by token, of
	// which BaseLoss and BaseGeneralLoss are the means.
	TokenLoss        *TokenLosses `json:"token_loss,omitempty"`
	GeneralTokenLoss *TokenLosses `json:"general_token_loss,omitempty"`
	// BeyondGeneral is the share of the data's tokens that cost the base model more
	// than nine in ten tokens of general text do; 0.1 for data like general text.
	BeyondGeneral *float64 `json:"beyond_general,omitempty"`
	// DemandBits is the information to learn: (base - forecast best loss) x tokens / ln 2.
	DemandBits *float64 `json:"demand_bits,omitempty"`
	// CapacityBits is LoRA's capacity at 2 bits a trainable parameter (arXiv 2607.21351).
	CapacityBits *float64 `json:"capacity_bits,omitempty"`
	// RankNeeded is the smallest LoRA rank that holds the demand, 0 where none up to
	// RankMost, the narrowest adapted matrix, does; with RankMost 0 it is not known.
	RankNeeded int `json:"rank_needed,omitempty"`
	RankMost   int `json:"rank_most,omitempty"`
	// TypeTokenRatio is different tokens over tokens (Templin 1957), in a sample of one size.
	TypeTokenRatio  *float64 `json:"type_token_ratio,omitempty"`
	TokenDivergence *float64 `json:"token_divergence,omitempty"` // Jensen-Shannon, bits, data against general text (Lin 1991)
	TokenEntropy    *float64 `json:"token_entropy,omitempty"`    // of single tokens, bits a token (Shannon 1948)
	// Narrowness is in [0,1]: 0 is as broad as general text, 1 is one repeated record.
	Narrowness *float64 `json:"narrowness,omitempty"`

	// EmbeddingGradShare is the share of gradient energy on embeddings and head at the
	// base weights, VectorGradShare that on norms and biases: what LoRA on linear
	// layers leaves alone. Energy is the sum of squares.
	EmbeddingGradShare *float64 `json:"embedding_grad_share,omitempty"`
	VectorGradShare    *float64 `json:"vector_grad_share,omitempty"`
	// GradientTokens is how many predicted tokens the gradient is a mean of.
	GradientTokens int `json:"gradient_tokens,omitempty"`
	// GradientRank is the mean effective rank (Roy and Vetterli 2007; of gradients, openreview
	// kObvnQ6pUx) of the gradients of the blocks' matrices,
	// and UpdateRank the mean stable rank (Rudelson and Vershynin 2007; of updates, arXiv
	// 2405.09673) of what full fine-tuning added to them by UpdateStep, both weighed by energy.
	GradientRank *float64 `json:"gradient_rank,omitempty"`
	UpdateRank   *float64 `json:"update_rank,omitempty"`
	UpdateStep   int      `json:"update_step,omitempty"`
	// GradientTop and UpdateTop are the shares of that energy in the r largest
	// directions of each matrix, by r.
	GradientTop []RankShare `json:"gradient_top,omitempty"`
	UpdateTop   []RankShare `json:"update_top,omitempty"`
	// Layers holds the matrices of the blocks, LayersOf says how many there are: of
	// large models a sample of whole layers is measured.
	Layers   []LayerSpectrum `json:"layers,omitempty"`
	LayersOf int             `json:"layers_of,omitempty"`
}

// TokenLosses describes how a model's loss is spread over predicted tokens, in nats.
// Means hide it: adapting to a domain like the pre-training one was seen to hurt by
// few tokens, such as the newline (arXiv 2410.05581).
type TokenLosses struct {
	Tokens int     `json:"tokens"`
	Mean   float64 `json:"mean"`
	P10    float64 `json:"p10"`
	P50    float64 `json:"p50"`
	P90    float64 `json:"p90"`
	P99    float64 `json:"p99"`
	// AboveUniform is the share of tokens that cost more than ln(vocab), where
	// guessing would have done better.
	AboveUniform float64 `json:"above_uniform"`
	// WorstTenth is the share of the whole loss that the costliest tenth of tokens bears.
	WorstTenth float64 `json:"worst_tenth"`
}

// RankShare is the share of the energy in a number of directions, in [0,1].
type RankShare struct {
	Rank  int     `json:"rank"`
	Share float64 `json:"share"`
}

// LayerSpectrum is what the gradient at the base weights and the update of full
// fine-tuning look like for one matrix. Ranks of 0 were not measured.
type LayerSpectrum struct {
	Name             string  `json:"name"`
	EffectiveRank    float64 `json:"effective_rank"`        // exp of the entropy of the gradient's squared singular values
	TopRankShare     float64 `json:"top_rank_share"`        // of gradient energy in the top r directions, r being the rank asked for
	EnergyShare      float64 `json:"energy_share"`          // of the whole model's gradient energy
	UpdateStableRank float64 `json:"update_stable_rank"`    // |dW|_F^2 / |dW|_2^2 after the probe
	UpdateTopShare   float64 `json:"update_top_share"`      // of |dW|_F^2 in the top r directions
	UpdateNorm       float64 `json:"update_norm,omitempty"` // |dW|_F
}
