package decision

import (
	"math"
	"math/rand/v2"
	"slices"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// feature is something that can be known of a data set before training to the end, and
// the name of the fact that tells it of a run, if any.
type feature struct {
	name string
	fact string
	of   func(Case) (float64, bool)
}

// features lists those that may foretell how LoRA's loss ends beside full's.
func features() []feature {
	domain := func(of func(evidence.Domain) *float64) func(Case) (float64, bool) {
		return func(c Case) (float64, bool) {
			x := of(c.Facts.Domain)
			if x == nil {
				return 0, false
			}
			return *x, true
		}
	}
	data := func(of func(evidence.Data) float64) func(Case) (float64, bool) {
		return func(c Case) (float64, bool) { return of(c.Facts.Data), true }
	}
	return []feature{
		{"base_loss", "base_loss_nats", domain(func(d evidence.Domain) *float64 { return d.BaseLoss })},
		{"base_loss less base_general_loss", "", func(c Case) (float64, bool) {
			d := c.Facts.Domain
			if d.BaseLoss == nil || d.BaseGeneralLoss == nil {
				return 0, false
			}
			return *d.BaseLoss - *d.BaseGeneralLoss, true
		}},
		{"demand_bits over capacity_bits, in hindsight", "", func(c Case) (float64, bool) {
			d := c.Facts.Domain
			if d.DemandBits == nil || d.CapacityBits == nil {
				return 0, false
			}
			return *d.DemandBits / *d.CapacityBits, true
		}},
		{"beyond_general", "beyond_general_ratio", domain(func(d evidence.Domain) *float64 { return d.BeyondGeneral })},
		{"token_loss.worst_tenth", "worst_tenth_ratio", domain(func(d evidence.Domain) *float64 {
			if d.TokenLoss == nil {
				return nil
			}
			return &d.TokenLoss.WorstTenth
		})},
		{"gradient_rank", "gradient_rank", domain(func(d evidence.Domain) *float64 { return d.GradientRank })},
		{"gradient_top, 8 directions", "gradient_top_ratio", domain(func(d evidence.Domain) *float64 { return shareAt(d.GradientTop, 8) })},
		{"embedding_grad_share", "embedding_gradient_ratio", domain(func(d evidence.Domain) *float64 { return d.EmbeddingGradShare })},
		{"vector_grad_share", "vector_gradient_ratio", domain(func(d evidence.Domain) *float64 { return d.VectorGradShare })},
		{"update_rank", "update_rank", domain(func(d evidence.Domain) *float64 { return d.UpdateRank })},
		{"update_top, 8 directions", "update_top_ratio", domain(func(d evidence.Domain) *float64 { return shareAt(d.UpdateTop, 8) })},
		{"token_divergence", "token_divergence_bits", domain(func(d evidence.Domain) *float64 { return d.TokenDivergence })},
		{"token_entropy", "token_entropy_bits", domain(func(d evidence.Domain) *float64 { return d.TokenEntropy })},
		{"type_token_ratio", "type_token_ratio", domain(func(d evidence.Domain) *float64 { return d.TypeTokenRatio })},
		{"narrowness", "narrowness_ratio", domain(func(d evidence.Domain) *float64 { return d.Narrowness })},
		{"tokens", "", data(func(d evidence.Data) float64 { return float64(d.Tokens) })},
		{"duplicate_share", "duplicate_ratio", data(func(d evidence.Data) float64 { return d.DuplicateShare })},
	}
}

func shareAt(curve []evidence.RankShare, rank int) *float64 {
	for i := range curve {
		if curve[i].Rank == rank {
			return &curve[i].Share
		}
	}
	return nil
}

// Association is how a feature's order goes with that of the gaps.
type Association struct {
	Feature string
	Fact    string // by which a run tells it; empty for none
	Data    int
	// Spearman is the rank correlation with LoRA's loss less full's at the horizon.
	Spearman forecast.Estimate
}

// Predictive reports whether the interval leaves out zero. It is one of 99 %: with 15
// features looked at, of 90 % one or two would leave it out by chance.
func (a Association) Predictive() bool { return a.Spearman.Low > 0 || a.Spearman.High < 0 }

// Features sets every feature that is known of enough data sets against the gap to the
// best LoRA of the ranks, the strongest first.
func (s Suite) Features(horizon int, ranks ...int) []Association {
	var out []Association
	for _, f := range features() {
		var known []observed
		for _, c := range s.Cases {
			x, ok := f.of(c)
			gap, _, whole := c.Gap(horizon, ranks...)
			if ok && whole {
				known = append(known, observed{c.Family, x, gap})
			}
		}
		if len(known) >= 8 {
			out = append(out, Association{f.name, f.fact, len(known), spearmanOver(known)})
		}
	}
	slices.SortStableFunc(out, func(a, b Association) int {
		return int(math.Copysign(1, math.Abs(b.Spearman.Value)-math.Abs(a.Spearman.Value)))
	})
	return out
}

// observed is one data set's feature and gap.
type observed struct {
	family string
	x, y   float64
}

// spearmanOver is the rank correlation with its 99 % bootstrap interval over families.
func spearmanOver(known []observed) forecast.Estimate {
	const resamples = 4000
	byFamily := map[string][]observed{}
	for _, o := range known {
		byFamily[o.family] = append(byFamily[o.family], o)
	}
	families := distinct(known, func(o observed) string { return o.family })
	random := rand.New(rand.NewPCG(5, 6))
	var values []float64
	for range resamples {
		var drawn []observed
		for range families {
			drawn = append(drawn, byFamily[families[random.IntN(len(families))]]...)
		}
		if r := spearman(drawn); !math.IsNaN(r) {
			values = append(values, r)
		}
	}
	return forecast.Estimate{Value: orZero(spearman(known)), Low: quantile(values, 0.005), High: quantile(values, 0.995)}
}

// spearman is Pearson's correlation of the ranks, ties sharing theirs.
func spearman(of []observed) float64 {
	a := ranks(of, func(o observed) float64 { return o.x })
	b := ranks(of, func(o observed) float64 { return o.y })
	middle := float64(len(of)-1) / 2
	var ab, aa, bb float64
	for i := range a {
		ab += (a[i] - middle) * (b[i] - middle)
		aa += (a[i] - middle) * (a[i] - middle)
		bb += (b[i] - middle) * (b[i] - middle)
	}
	return ab / math.Sqrt(aa*bb)
}

// ranks are the places from 0, equal values sharing the mean of theirs.
func ranks(of []observed, value func(observed) float64) []float64 {
	order := make([]int, len(of))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, k int) int {
		switch d := value(of[i]) - value(of[k]); {
		case d < 0:
			return -1
		case d > 0:
			return 1
		}
		return 0
	})
	out := make([]float64, len(of))
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && value(of[order[to]]) == value(of[order[from]]) {
			to++
		}
		for _, i := range order[from:to] {
			out[i] = float64(from+to-1) / 2
		}
		from = to
	}
	return out
}
