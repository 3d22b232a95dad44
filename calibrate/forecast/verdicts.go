package forecast

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// DecisionScore is how well a decider decides, each figure with a 90 % bootstrap
// interval over families.
type DecisionScore struct {
	Decider  string   `json:"decider"`
	Data     int      `json:"data_sets"`
	Ties     int      `json:"ties"`
	Accuracy Estimate `json:"accuracy"`    // on data sets that are no ties
	Regret   Estimate `json:"regret_nats"` // ties counted
	Brier    Estimate `json:"brier"`       // on data sets that are no ties
	Failures []string `json:"failures,omitempty"`
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
	s.Accuracy = v.over(func(c Call) (float64, bool) { return indicator(c.right()), decisive(c) })
	s.Regret = v.over(func(c Call) (float64, bool) { return math.Abs(c.Gap) * indicator(!c.right()), true })
	s.Brier = v.over(func(c Call) (float64, bool) { return math.Pow(c.PFullBetter-indicator(c.Gap > 0), 2), decisive(c) })
	return s
}

func (c Call) right() bool { return (c.PFullBetter > 0.5) == (c.Gap > 0) }

// over is a mean over the calls, and its bootstrap interval over their families.
func (v Verdicts) over(value func(Call) (float64, bool)) Estimate {
	const resamples = 1000
	families := distinct(v.Calls, func(c Call) string { return c.Family })
	mean := func(weights map[string]float64) float64 {
		var sum, total float64
		for _, c := range v.Calls {
			if x, ok := value(c); ok {
				sum, total = sum+weights[c.Family]*x, total+weights[c.Family]
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
		if x := mean(weights); finite(x) {
			values = append(values, x)
		}
	}
	return Estimate{orZero(mean(once)), percentile(values, 0.05), percentile(values, 0.95)}
}

// orZero is a mean over nothing as a number.
func orZero(x float64) float64 {
	if finite(x) {
		return x
	}
	return 0
}
