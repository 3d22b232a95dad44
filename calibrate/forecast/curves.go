package forecast

import (
	"fmt"
	"math"

	"ftadvise/calibrate/evidence"
)

// CurvesSchema is the version of CurvesResult's JSON.
const CurvesSchema = 1

// CurvesResult is the forecast of a set of curves.
type CurvesResult struct {
	Schema   int                `json:"schema"`
	Horizon  int                `json:"horizon_steps"`
	Seen     float64            `json:"seen"`
	Runs     []CurveForecast    `json:"runs"`
	Pairs    []PairForecast     `json:"pairs"`
	Warnings []evidence.Warning `json:"warnings,omitempty"`
}

// CurveForecast is one curve's loss at the horizon.
type CurveForecast struct {
	Name      string   `json:"name"`
	SeenSteps int      `json:"seen_steps"`
	Forecast  Interval `json:"forecast"`
}

// Interval is a forecast in nats by its mean and its 80 % interval.
type Interval struct {
	Mean float64 `json:"mean"`
	P10  float64 `json:"p10"`
	P90  float64 `json:"p90"`
}

// PairForecast is the probability that a's loss at the horizon is the lower one.
type PairForecast struct {
	A        string  `json:"a"`
	B        string  `json:"b"`
	PABetter float64 `json:"p_a_better"`
}

// Curves forecasts every curve and every pair of them at a horizon of that many
// optimizer steps from the given share of it; what lies beyond the share is not
// looked at, in no curve. A share of 0 takes all that was seen. Curves that cannot
// be extrapolated are left out with a warning; it is an error if none is left.
func Curves(curves []Curve, seen float64, horizon int) (CurvesResult, error) {
	out := CurvesResult{Schema: CurvesSchema, Horizon: horizon, Seen: seen, Runs: []CurveForecast{}, Pairs: []PairForecast{}}
	if err := checkHorizon(horizon); err != nil {
		return out, err
	}
	if !(seen >= 0 && seen <= 1) {
		return out, &Error{"seen", fmt.Sprintf("%g is no share of the horizon", seen), "give a number between 0 and 1, or 0 for all that was seen"}
	}
	library, err := Embedded()
	if err != nil {
		return out, err
	}
	arms, warnings := cut(curves, seen, horizon)
	out.Warnings = append(warnings, unknownSchedules(arms)...)
	if len(arms) == 0 {
		return out, &Error{"curves", "none has two finite losses within the share seen", "raise --seen, or give curves logged more often"}
	}
	o := look(arms, horizon, library)
	for i, b := range o.beliefs {
		d := b.loss.distribution()
		out.Runs = append(out.Runs, CurveForecast{b.Name, b.last().Step, Interval{d.Mean, d.P10, d.P90}})
		for k := range i {
			out.Pairs = append(out.Pairs, PairForecast{b.Name, o.beliefs[k].Name, o.better(i, k)})
		}
	}
	return out, nil
}

// cut cleans the curves and keeps what was seen of them.
func cut(curves []Curve, seen float64, horizon int) ([]arm, []evidence.Warning) {
	var arms []arm
	var warnings []evidence.Warning
	for _, c := range curves {
		if seen > 0 {
			c = c.upTo(seen * float64(horizon))
		}
		points, doubts, err := Clean(c.Name, c.Points)
		warnings = append(warnings, doubts.warnings(c.Name)...)
		if err != nil {
			warnings = append(warnings, evidence.Warning{Code: "no-forecast", Text: err.Error()})
			continue
		}
		c.Points = points
		arms = append(arms, arm{Curve: c})
	}
	return arms, warnings
}

// better is the probability that arm i's loss at the horizon is below arm k's, with
// a thousandth left to what nobody thought of.
func (o outlook) better(i, k int) float64 {
	return math.Min(0.999, math.Max(0.001, o.difference(i, k).below(0)))
}
