package decision

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"ftadvise/calibrate/forecast"
)

// Call is one data set, asked whether full is better by more than a margin, with what a
// decider said.
type Call struct {
	Data   string
	Family string
	Gap    float64 // best LoRA's loss less best full's at the horizon, in nats
	Margin float64 // what full has to gain to be worth what it costs more, in nats
	PFull  float64 // probability of a gap beyond the margin
}

// excess is by how much full gains more than it has to.
func (c Call) excess() float64 { return c.Gap - c.Margin }

// tie reports a gap too near to the margin for either answer to be wrong.
func (c Call) tie(nats float64) bool { return math.Abs(c.excess()) < nats }

// Verdicts is one decider's calls.
type Verdicts struct {
	Decider string
	Calls   []Call
}

// At keeps the calls about one margin.
func (v Verdicts) At(margin float64) Verdicts {
	return Verdicts{v.Decider, slices.DeleteFunc(slices.Clone(v.Calls), func(c Call) bool { return c.Margin != margin })}
}

// DecisionScore is how well a decider decides, each figure with a 90 % bootstrap
// interval over families.
type DecisionScore struct {
	Decider  string            `json:"decider"`
	Calls    int               `json:"calls"`
	Ties     int               `json:"ties"`
	Accuracy forecast.Estimate `json:"accuracy"`    // on calls that are no ties
	Regret   forecast.Estimate `json:"regret_nats"` // what the wrong answer costs beyond the margin, ties counted
	Brier    forecast.Estimate `json:"brier"`       // on calls that are no ties
	// Sure is how often calls with a confidence of .8 or more were right, SureShare how
	// many of those that are no ties they were.
	Sure      forecast.Estimate `json:"right_when_sure"`
	SureShare forecast.Estimate `json:"sure"`
	Failures  []string          `json:"failures,omitempty"`
}

// Score counts a decider's calls.
func (v Verdicts) Score(tieNats float64) DecisionScore {
	s := DecisionScore{Decider: v.Decider, Calls: len(v.Calls)}
	for _, c := range v.Calls {
		if c.tie(tieNats) {
			s.Ties++
		} else if !c.right() {
			s.Failures = append(s.Failures, fmt.Sprintf("%s, full to gain %.2f: LoRA's loss less full's is %.3f nats; said %.2f for full", c.Data, c.Margin, c.Gap, c.PFull))
		}
	}
	family := func(c Call) string { return c.Family }
	over := func(value func(Call) (float64, bool)) forecast.Estimate { return bootstrap(v.Calls, family, value) }
	s.Accuracy = over(func(c Call) (float64, bool) { return fullIf(c.right()), !c.tie(tieNats) })
	s.Regret = over(func(c Call) (float64, bool) { return math.Abs(c.excess()) * fullIf(!c.right()), true })
	s.Brier = over(func(c Call) (float64, bool) { return math.Pow(c.PFull-fullIf(c.excess() > 0), 2), !c.tie(tieNats) })
	s.Sure = over(func(c Call) (float64, bool) { return fullIf(c.right()), !c.tie(tieNats) && c.confidence() >= sure })
	s.SureShare = over(func(c Call) (float64, bool) { return fullIf(c.confidence() >= sure), !c.tie(tieNats) })
	return s
}

// sure is the confidence from which on a call is taken for certain.
const sure = 0.8

func (c Call) right() bool { return (c.PFull > 0.5) == (c.excess() > 0) }

func (c Call) confidence() float64 { return math.Max(c.PFull, 1-c.PFull) }

// bootstrap is a mean over items, and its 90 % interval over their families.
func bootstrap[T any](items []T, family func(T) string, value func(T) (float64, bool)) forecast.Estimate {
	const resamples = 1000
	families := distinct(items, family)
	mean := func(weights map[string]float64) float64 {
		var sum, total float64
		for _, item := range items {
			if x, ok := value(item); ok {
				sum, total = sum+weights[family(item)]*x, total+weights[family(item)]
			}
		}
		return sum / total
	}
	once := map[string]float64{}
	for _, f := range families {
		once[f] = 1
	}
	random := rand.New(rand.NewPCG(3, 4))
	var values []float64
	for range resamples {
		weights := map[string]float64{}
		for range families {
			weights[families[random.IntN(len(families))]]++
		}
		if x := mean(weights); !math.IsNaN(x) && !math.IsInf(x, 0) {
			values = append(values, x)
		}
	}
	return forecast.Estimate{Value: orZero(mean(once)), Low: quantile(values, 0.05), High: quantile(values, 0.95)}
}

// orZero is a mean over nothing as a number.
func orZero(x float64) float64 {
	if !math.IsNaN(x) && !math.IsInf(x, 0) {
		return x
	}
	return 0
}

// distinct lists what is said of items, once each and in order.
func distinct[T any](items []T, of func(T) string) []string {
	var out []string
	for _, item := range items {
		out = append(out, of(item))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// quantile is the value below which a share of the values lies; zero of none.
func quantile(values []float64, share float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(math.Round(share*float64(len(sorted)-1)))]
}
