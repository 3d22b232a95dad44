package decision

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"ftadvise/calibrate/forecast"
)

// Call is one data set with what a decider said of it.
type Call struct {
	Data        string
	Family      string
	Gap         float64 // best LoRA's loss less best full's at the horizon, in nats
	PFullBetter float64
}

// Verdicts is one decider's calls.
type Verdicts struct {
	Decider string
	Calls   []Call
}

// DecisionScore is how well a decider decides, each figure with a 90 % bootstrap
// interval over families.
type DecisionScore struct {
	Decider  string            `json:"decider"`
	Data     int               `json:"data_sets"`
	Ties     int               `json:"ties"`
	Accuracy forecast.Estimate `json:"accuracy"`    // on data sets that are no ties
	Regret   forecast.Estimate `json:"regret_nats"` // ties counted
	Brier    forecast.Estimate `json:"brier"`       // on data sets that are no ties
	Failures []string          `json:"failures,omitempty"`
}

// Score counts a decider's calls.
func (v Verdicts) Score(tieNats float64) DecisionScore {
	s := DecisionScore{Decider: v.Decider, Data: len(v.Calls)}
	for _, c := range v.Calls {
		if math.Abs(c.Gap) < tieNats {
			s.Ties++
		} else if !c.right() {
			s.Failures = append(s.Failures, fmt.Sprintf("%s: LoRA's loss less full's is %.4f nats; said %.2f for full", c.Data, c.Gap, c.PFullBetter))
		}
	}
	decisive := func(c Call) bool { return math.Abs(c.Gap) >= tieNats }
	family := func(c Call) string { return c.Family }
	over := func(value func(Call) (float64, bool)) forecast.Estimate { return bootstrap(v.Calls, family, value) }
	s.Accuracy = over(func(c Call) (float64, bool) { return fullIf(c.right()), decisive(c) })
	s.Regret = over(func(c Call) (float64, bool) { return math.Abs(c.Gap) * fullIf(!c.right()), true })
	s.Brier = over(func(c Call) (float64, bool) { return math.Pow(c.PFullBetter-fullIf(c.Gap > 0), 2), decisive(c) })
	return s
}

func (c Call) right() bool { return (c.PFullBetter > 0.5) == (c.Gap > 0) }

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
