package decision

import (
	"math"
	"slices"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// RateScore is how good learning rates were that somebody chose.
type RateScore struct {
	Chooser string            `json:"chooser"`
	Arms    int               `json:"arms"`
	Near    forecast.Estimate `json:"within_twice"` // share of arms within a factor of two of the best rate
	Cost    forecast.Estimate `json:"cost_nats"`    // mean loss at the horizon above the best rate's
	// Median is the cost of the arm in the middle, ByFamily the mean of each family.
	Median   float64            `json:"median_cost_nats"`
	ByFamily map[string]float64 `json:"by_family"`
	Dear     int                `json:"dear"` // arms whose rate cost more than a tie
}

// choice is one arm's rate with what is best.
type choice struct {
	family           string
	rate, best, cost float64
}

// ratesOf scores rates that chosen gives for each arm of the calibrations; 0 is none.
func ratesOf(name string, played []Played, p Probe, tieNats float64, chosen func(c Played, m evidence.Method) float64) RateScore {
	var all []choice
	s := RateScore{Chooser: name}
	for _, c := range played {
		for _, a := range c.arms {
			rate := chosen(c, a.method)
			if rate == 0 {
				continue
			}
			best, end, _ := a.truth(p.Horizon)
			cost := a.cost(rate, end, p.Horizon)
			all = append(all, choice{c.Family, rate, best, cost})
			if cost > tieNats {
				s.Dear++
			}
		}
	}
	s.Arms = len(all)
	family := func(c choice) string { return c.family }
	s.Near = bootstrap(all, family, func(c choice) (float64, bool) {
		return fullIf(math.Abs(math.Log(c.rate/c.best)) <= math.Ln2*1.01), true
	})
	s.Cost = bootstrap(all, family, func(c choice) (float64, bool) { return c.cost, true })
	s.Median, s.ByFamily = quantile(costs(all), 0.5), map[string]float64{}
	for _, f := range distinct(all, family) {
		of := slices.DeleteFunc(slices.Clone(all), func(c choice) bool { return c.family != f })
		for _, x := range costs(of) {
			s.ByFamily[f] += x / float64(len(of))
		}
	}
	return s
}

func costs(of []choice) []float64 {
	var out []float64
	for _, c := range of {
		out = append(out, c.cost)
	}
	return out
}

// cost is a rate's loss at the horizon above the best one's. Where its curve was given
// up on the way, as hopeless ones were, it is how far that lay behind then.
func (a course) cost(rate, end float64, horizon int) float64 {
	if loss := a.at(rate, horizon); !math.IsNaN(loss) {
		return loss - end
	}
	for _, step := range []int{horizon / 4, horizon / 10, horizon / 50} {
		if loss := a.at(rate, step); !math.IsNaN(loss) {
			_, then, _ := a.truth(step)
			return math.Max(0, loss-then)
		}
	}
	return a.curves[0].Points[0].Loss - end // it diverged at once: as bad as no training
}

// Rates scores the rates that calibrations advise to train at, the ones that their probes
// were trained at, the same without what finished curves teach, the priors without a
// search, and the rule that LoRA's rate is ten times full's.
func Rates(played, plain []Played, p Probe, tieNats float64) []RateScore {
	advised := func(c Played, m evidence.Method) float64 {
		for _, f := range c.Run.Forecasts {
			if f.Method == m {
				return f.RateToTrain()
			}
		}
		return 0
	}
	probed := func(c Played, m evidence.Method) float64 {
		for _, f := range c.Run.Forecasts {
			if f.Method == m {
				return f.LearningRate
			}
		}
		return 0
	}
	prior := func(tenfold bool) func(Played, evidence.Method) float64 {
		return func(c Played, m evidence.Method) float64 {
			spec := c.spec(p, nil)
			switch {
			case probed(c, m) == 0:
				return 0
			case m.Kind == evidence.Full:
				return spec.RateFull
			case tenfold:
				return 10 * spec.RateFull
			}
			return forecast.RateAtRank(spec.RateLoRA, spec.LoRA[0], m)
		}
	}
	return []RateScore{
		ratesOf("as advised: the search, moved to the horizon", played, p, tieNats, advised),
		ratesOf("the probe's: moved to its end", played, p, tieNats, probed),
		ratesOf("the search, lowest loss so far", plain, p, tieNats, probed),
		ratesOf("the priors, no search", played, p, tieNats, prior(false)),
		ratesOf("full's prior, ten times it for LoRA", played, p, tieNats, prior(true)),
	}
}
