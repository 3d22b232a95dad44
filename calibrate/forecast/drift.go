package forecast

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// Drift is how the learning rate that is best falls with the steps trained: early on a
// high rate leads that later cannot settle, or over-fits. On the finished curves the best
// rate went about with the inverse root of the steps, as for averaged stochastic
// gradients in theory (Nemirovski et al. 2009).
type Drift struct {
	// Exponent is that of the steps; 0 where it is not known.
	Exponent float64 `json:"exponent"`
}

// Rate is the learning rate that is expected to be best at the horizon, when one was
// best at a step.
func (d Drift) Rate(best float64, step, horizon int) float64 {
	if step < 1 || step >= horizon {
		return best
	}
	return best * math.Pow(float64(step)/float64(horizon), d.Exponent)
}

// driftOf learns from methods that were trained at several rates to the end. That the
// exponent goes with how far the loss has fallen was tried and dropped: fitted on some
// families it misled on the others.
func driftOf(curves []Curve) Drift {
	var points []driftPoint
	for _, group := range byMethod(curves) {
		points = append(points, driftPoints(group)...)
	}
	if len(points) < 8 {
		return Drift{}
	}
	// ln(best then / best at the end) = exponent ln(horizon/step): no intercept, since at
	// the horizon nothing is left to drift.
	var square, product float64
	for _, p := range points {
		square, product = square+p.reach*p.reach, product+p.reach*p.fell
	}
	return Drift{round(math.Min(1, math.Max(0, product/square)))}
}

// driftPoint is one method on one data set at one step.
type driftPoint struct {
	reach float64 // ln(horizon/step)
	fell  float64 // ln(rate best at the step / rate best at the horizon)
}

// driftPoints are those of one method on one data set; steps at which the best rate is
// the highest of all tell no more than that, and are left out.
func driftPoints(group []Curve) []driftPoint {
	end, rates := bestRate(group, ownHorizon)
	if rates < 3 || end.Rate <= 0 {
		return nil
	}
	var out []driftPoint
	for _, share := range driftShares() {
		step := share * ownHorizon
		best, _ := bestRate(group, step)
		if highest(group, step) == best.Rate {
			continue
		}
		out = append(out, driftPoint{-math.Log(share), math.Log(best.Rate / end.Rate)})
	}
	return out
}

// driftShares are the shares of the horizon at which a search may end.
func driftShares() []float64 { return geometric(0.008, 0.15, 6) }

// bestRate is the curve with the lowest loss at a step among those that came there, and
// how many did.
func bestRate(group []Curve, step float64) (best Curve, n int) {
	least := math.Inf(1)
	for _, c := range group {
		if float64(c.Points[len(c.Points)-1].Step) < step {
			continue
		}
		n++
		if loss := at(c.Points, step); loss < least {
			best, least = c, loss
		}
	}
	return best, n
}

func highest(group []Curve, step float64) float64 {
	var out float64
	for _, c := range group {
		if float64(c.Points[len(c.Points)-1].Step) >= step {
			out = math.Max(out, c.Rate)
		}
	}
	return out
}

// byMethod groups curves by data set and method.
func byMethod(curves []Curve) map[string][]Curve {
	out := map[string][]Curve{}
	for _, c := range curves {
		if len(c.Points) > 1 {
			key := c.Data + " " + c.Method.String()
			out[key] = append(out[key], c)
		}
	}
	return out
}

// alphaPower is by which power of the rank the best rate falls where alpha goes with the
// rank: each direction's step is alpha/rank x B x A, and there are more of them.
const alphaPower = 0.5

// RateAtRank moves a learning rate from one rank to another, alpha in proportion.
func RateAtRank(rate float64, from, to evidence.Method) float64 {
	return rate * math.Pow(float64(max(1, from.Rank))/float64(max(1, to.Rank)), alphaPower)
}
