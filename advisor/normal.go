package advisor

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// p90Sigmas is the distance from a normal's median to its 90th percentile.
const p90Sigmas = 1.2815515655446004

func density(z float64) float64 { return math.Exp(-z*z/2) / math.Sqrt(2*math.Pi) }

func cumulative(z float64) float64 { return 0.5 * math.Erfc(-z/math.Sqrt2) }

// ProbabilityPositive is P(X > 0) for X ~ N(mean, sd). With no spread it is 0, 1, or
// one half at exactly zero.
func ProbabilityPositive(mean, sd float64) float64 {
	switch {
	case sd > 0:
		return cumulative(mean / sd)
	case mean > 0:
		return 1
	case mean < 0:
		return 0
	}
	return 0.5
}

// ProbabilityWithin is P(|X| < bound) for X ~ N(mean, sd).
func ProbabilityWithin(bound, mean, sd float64) float64 {
	if sd > 0 {
		return cumulative((bound-mean)/sd) - cumulative((-bound-mean)/sd)
	}
	if math.Abs(mean) < bound {
		return 1
	}
	return 0
}

// LeaderRegret is the expected regret of choosing the option with the lower expected
// cost, where the difference of costs is N(mean, sd):
//
//	sd φ(mean/sd) − |mean| Φ(−|mean|/sd)
//
// (the unit normal loss integral; Raiffa and Schlaifer, Applied Statistical Decision
// Theory, 1961). It is also the expected value of perfect information.
func LeaderRegret(mean, sd float64) float64 {
	if !(sd > 0) {
		return 0
	}
	z := math.Abs(mean) / sd
	return math.Max(0, sd*(density(z)-z*cumulative(-z)))
}

// ExpectedRegret is E[max(0, X)] for X ~ N(mean, sd): what choosing an option costs
// whose total exceeds the other's by X.
func ExpectedRegret(mean, sd float64) float64 {
	return LeaderRegret(mean, sd) + math.Max(0, mean)
}

// normal is the distribution N(mean, sd) with its quantiles.
func normal(mean, sd float64) evidence.Distribution {
	return evidence.Distribution{
		Mean: mean, SD: sd, P50: mean,
		P10: mean - p90Sigmas*sd, P90: mean + p90Sigmas*sd,
	}
}

// spread is the standard deviation of a normal distribution with the 80 % interval of d,
// which is what forecasts are held to: a few errors of finished curves are so large that
// the standard deviation of all says too little of the rest. SD stands in where there is
// no interval.
func spread(d evidence.Distribution) float64 {
	if d.P90 > d.P10 {
		return (d.P90 - d.P10) / (2 * p90Sigmas)
	}
	return math.Max(0, d.SD)
}

// summarySD reads a standard deviation out of a summary's outer deciles.
func summarySD(s evidence.Summary) float64 {
	return math.Max(0, (s.P90-s.P10)/(2*p90Sigmas))
}

// implausible is beyond any loss in nats, time in seconds or number of steps.
const implausible = 1e9

// plausible reports whether measured values can be reckoned with.
func plausible(values ...float64) bool {
	for _, v := range values {
		if !(math.Abs(v) < implausible) {
			return false
		}
	}
	return true
}

// usableSummary keeps a summary of times that can be reckoned with, else nothing.
func usableSummary(s evidence.Summary) evidence.Summary {
	if !plausible(s.Median, s.P10, s.P90) || s.Median < 0 || s.N <= 0 {
		return evidence.Summary{}
	}
	return s
}

func finite(values ...float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
