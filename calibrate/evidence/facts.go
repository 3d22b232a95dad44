package evidence

// Standing says what a fact about data and model is good for.
type Standing string

// The standings.
const (
	// Descriptive facts describe; nobody should decide by them.
	Descriptive Standing = "descriptive"
	// Predictive facts were shown to foretell LoRA's gap to full fine-tuning on data
	// sets that they were not chosen on; docs/decision-quality.md has the table.
	Predictive Standing = "predictive"
)

// StandingOf is a fact's by name, as the decision suite's table has it.
func StandingOf(name string) Standing {
	switch name {
	case "base_loss_nats", "beyond_general_ratio", "gradient_rank", "gradient_top_ratio":
		return Predictive
	}
	return Descriptive
}

// DomainFact is one number about the data as the base model sees them.
type DomainFact struct {
	Name     string // snake_case, ends in its unit: nats, bits, ratio (0 to 1); none for a rank
	Title    string
	Text     string // what it says, and its source
	Value    float64
	Standing Standing
}

// DomainFacts lists what is known of the narrowness of the data and of how much there
// is to learn; what was not measured is absent. Ranks are compared at the rank that the
// user asked for.
func (r *Run) DomainFacts() []DomainFact {
	var f facts
	f.losses(r)
	f.capacity(r)
	f.text(r)
	f.spectra(r)
	return f
}

type facts []DomainFact

func (f *facts) add(name, title, text string, value *float64) {
	if value != nil {
		*f = append(*f, DomainFact{name, title, text, *value, StandingOf(name)})
	}
}

func (f *facts) losses(r *Run) {
	d := r.Domain
	f.add("base_loss_nats", "Base model's loss here", "nats a token, before any training", d.BaseLoss)
	f.add("general_loss_nats", "Base model's loss on general text", "nats a token", d.BaseGeneralLoss)
	f.add("base_accuracy_ratio", "Base model's accuracy here", "share of held-out records, before any training", d.BaseAccuracy)
	f.add("uniform_loss_nats", "Loss of knowing nothing", "ln(vocabulary)", d.UniformLoss)
	if t := d.TokenLoss; t != nil {
		f.add("above_uniform_ratio", "Tokens dearer than guessing", "share of the tokens here above ln(vocabulary) (arXiv 2410.05581)", &t.AboveUniform)
		f.add("worst_tenth_ratio", "Loss on the worst tenth", "share of the loss here that a tenth of the tokens bears", &t.WorstTenth)
	}
	f.add("beyond_general_ratio", "Tokens worse than general text's worst tenth", "0.1 for data like general text", d.BeyondGeneral)
}

func (f *facts) capacity(r *Run) {
	d := r.Domain
	f.add("demand_bits", "Information to learn", "(base loss less forecast best loss) × tokens", d.DemandBits)
	f.add("capacity_bits", "Capacity of LoRA", "2 bits a trainable parameter (arXiv 2607.21351)", d.CapacityBits)
	if d.DemandBits != nil && d.CapacityBits != nil && *d.CapacityBits > 0 {
		f.add("demand_over_capacity", "Demand over capacity", "above 1, LoRA of this rank is expected to fall behind", new(*d.DemandBits / *d.CapacityBits))
	}
}

func (f *facts) text(r *Run) {
	d := r.Domain
	f.add("narrowness_ratio", "Narrowness", "0 as broad as general text, 1 one repeated record", d.Narrowness)
	f.add("token_divergence_bits", "Divergence of tokens", "Jensen-Shannon, against general text (Lin 1991)", d.TokenDivergence)
	f.add("token_entropy_bits", "Entropy of tokens", "a token, unigram", d.TokenEntropy)
	f.add("type_token_ratio", "Type-token ratio", "different tokens over tokens", d.TypeTokenRatio)
	if r.Data.Records > 0 {
		f.add("duplicate_ratio", "Exact duplicates", "share of the records", &r.Data.DuplicateShare)
		f.add("near_duplicate_ratio", "Near duplicates", "share of the records (MinHash, Broder 1997)", &r.Data.NearDupShare)
	}
}

func (f *facts) spectra(r *Run) {
	d, rank := r.Domain, r.Setup.LoRA.Rank
	f.add("embedding_gradient_ratio", "Gradient on embeddings and head", "share of its energy, which LoRA on linear layers leaves alone", d.EmbeddingGradShare)
	f.add("vector_gradient_ratio", "Gradient on norms and biases", "share of its energy, likewise", d.VectorGradShare)
	f.add("gradient_rank", "Effective rank of the gradient", "mean over matrices by energy (Roy and Vetterli 2007; openreview kObvnQ6pUx)", d.GradientRank)
	f.add("gradient_top_ratio", "Gradient in the top r directions", "share of its energy that LoRA of the rank asked for could follow", TopAt(d.GradientTop, rank))
	f.add("update_rank", "Stable rank of full's update", "mean over matrices by energy, after the probe (arXiv 2405.09673)", d.UpdateRank)
	f.add("update_top_ratio", "Update in the top r directions", "share of its energy that the rank asked for could hold", TopAt(d.UpdateTop, rank))
}

// TopAt is the share of a curve at a rank, that of the next lower rank of the curve
// where it does not hold it; nil where there is none.
func TopAt(curve []RankShare, rank int) *float64 {
	var out *float64
	for i := range curve {
		if curve[i].Rank <= rank {
			out = &curve[i].Share
		}
	}
	return out
}
