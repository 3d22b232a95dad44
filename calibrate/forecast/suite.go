package forecast

import (
	"math"
	"slices"

	"ftadvise/calibrate/evidence"
)

// Suite scores decisions between full fine-tuning and LoRA on finished held-out
// curves of many data sets, each with both methods at several learning rates. A probe
// sees a share of the horizon: it takes each method's best rate so far, as a search
// would, and decides. The library is without the family of the data set it is scored on.
type Suite struct {
	Curves  []Curve // Data names the data set, Family what is left out together
	Horizon int
	TieNats float64 // a smaller difference at the horizon is a tie, and counts for regret alone
	Library *Library
}

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

// decider says how probable it is that full is better, from what the probe saw.
type decider struct {
	name string
	say  func(s Suite, arms []Curve, family string) (float64, error)
}

func deciders() []decider {
	byPoint := func(p point) func(Suite, []Curve, string) (float64, error) {
		return func(s Suite, arms []Curve, _ string) (float64, error) {
			best := map[bool]float64{true: math.Inf(1), false: math.Inf(1)}
			for _, c := range arms {
				full := c.Method.Kind == evidence.Full
				best[full] = math.Min(best[full], p(c, s.Horizon))
			}
			return indicator(best[true] < best[false]), nil
		}
	}
	thirty := func(c Curve, _ int) float64 { return at(c.Points, 30) }
	return []decider{
		{"always LoRA", func(Suite, []Curve, string) (float64, error) { return 0, nil }},
		{"always full", func(Suite, []Curve, string) (float64, error) { return 1, nil }},
		{"thirty steps", byPoint(thirty)},
		{"last value", byPoint(pointLast)},
		{"power law", byPoint(pointPower)},
		{"Hill law", byPoint(pointHill)},
		{"laws mixed", func(s Suite, arms []Curve, family string) (float64, error) {
			return s.decide(arms, &Library{})
		}},
		{"as shipped", func(s Suite, arms []Curve, family string) (float64, error) {
			return s.decide(arms, s.Library.Without(family))
		}},
	}
}

// Run replays every data set that has both methods to the horizon.
func (s Suite) Run(share float64) ([]Verdicts, error) {
	var out []Verdicts
	for _, d := range deciders() {
		out = append(out, Verdicts{Decider: d.name})
	}
	for _, data := range s.dataSets() {
		curves := s.of(data)
		gap, ok := s.truth(curves)
		if !ok {
			continue
		}
		arms := s.probe(curves, share)
		for i, d := range deciders() {
			p, err := d.say(s, arms, curves[0].family())
			if err != nil {
				return nil, err
			}
			out[i].Calls = append(out[i].Calls, Call{data, curves[0].family(), gap, p})
		}
	}
	if len(out[0].Calls) == 0 {
		return nil, &Error{"suite", "no data set has full and LoRA curves that reach the horizon", "give finished curves with a method and data each"}
	}
	return out, nil
}

func (s Suite) dataSets() []string {
	return distinct(s.Curves, func(c Curve) string { return c.Data })
}

func (s Suite) of(data string) []Curve {
	return slices.DeleteFunc(slices.Clone(s.Curves), func(c Curve) bool { return c.Data != data || c.Method.Kind == "" })
}

// truth is the best LoRA's loss less the best full's at the horizon.
func (s Suite) truth(curves []Curve) (float64, bool) {
	full, lora := math.Inf(1), math.Inf(1)
	for _, c := range curves {
		target, ok := c.target(s.Horizon)
		switch {
		case !ok || !finite(target):
		case c.Method.Kind == evidence.Full:
			full = math.Min(full, target)
		default:
			lora = math.Min(lora, target)
		}
	}
	return lora - full, finite(lora - full)
}

// probe is each method's best rate by the last loss seen, cut at the share.
func (s Suite) probe(curves []Curve, share float64) []Curve {
	var out []Curve
	place := map[evidence.Method]int{}
	for _, c := range curves {
		c = c.upTo(share * float64(s.Horizon))
		points, _, err := Clean(c.Name, c.Points)
		if err != nil {
			continue
		}
		c.Points = points
		i, ok := place[c.Method]
		switch {
		case !ok:
			place[c.Method] = len(out)
			out = append(out, c)
		case pointLast(c, 0) < pointLast(out[i], 0):
			out[i] = c
		}
	}
	return out
}

// decide asks the forecasts: P(full better) against the LoRA arm that is expected best.
func (s Suite) decide(curves []Curve, library *Library) (float64, error) {
	run := &evidence.Run{ID: "replay"}
	for _, c := range curves {
		run.Trials = append(run.Trials, evidence.TrialResult{
			Trial: evidence.Trial{ID: c.Name, Stage: evidence.StageProbe, Method: c.Method, LearningRate: c.Rate, Schedule: c.Schedule,
				Steps: c.Points[len(c.Points)-1].Step},
			Outcome: evidence.Outcome{Status: evidence.Completed, EvalLoss: c.Points}})
	}
	_, gaps, _, err := library.Arms(run, s.Horizon)
	if err != nil {
		return 0, err
	}
	if len(gaps) == 0 {
		return 0.5, nil
	}
	best := gaps[0]
	for _, g := range gaps {
		if g.AtHorizon.Mean < best.AtHorizon.Mean {
			best = g
		}
	}
	return best.PFullBetter, nil
}
