package forecast

import (
	"maps"
	"math"
	"slices"

	"ftadvise/calibrate/evidence"
)

// Drift is how the learning rate that is best falls with the steps trained: early on a
// high rate leads that later cannot settle, or over-fits. It falls by a power of the steps,
// as for averaged stochastic gradients in theory (Nemirovski et al. 2009), and the more
// steeply the more often the data are repeated: on fresh data hardly at all, on data read
// twenty times about with the fourth root.
type Drift struct {
	// Exponent is that of the steps for data read once, Repetition what is added for
	// each e-fold of repetition; both 0 where they are not known.
	Exponent   float64 `json:"exponent"`
	Repetition float64 `json:"repetition"`
	// Passes is the power by which the best rate at the horizon falls with the epochs
	// beyond fewPasses, for rates that nobody searched for.
	Passes float64 `json:"passes"`
}

// Rate is the learning rate that is expected to be best at the horizon, when one was
// best at a step. It is never raised: early leaders that were too low were not seen.
func (d Drift) Rate(best float64, step, horizon int, f Facts) float64 {
	if step < 1 || step >= horizon {
		return best
	}
	exponent := math.Min(1, math.Max(0, d.Exponent+d.Repetition*f.repetition()))
	return best * math.Pow(float64(step)/float64(horizon), exponent)
}

// fewPasses is the epochs up to which a rate's prior stands as it is: those studied for
// the priors were one to three.
const fewPasses = 3

// Prior is the rate to take without a search where one is expected to be best on data
// read once or a few times.
func (d Drift) Prior(rate float64, f Facts) float64 {
	return rate * math.Pow(math.Max(1, f.Epochs/fewPasses), -d.Passes)
}

// driftOf learns from methods that were trained at several rates to the end. That the
// exponent goes with how far the loss has fallen, with the method or with how far the data
// lie from general text was tried and dropped: on families left out it foretold no better.
func driftOf(curves []Curve) Drift {
	normal := newMoments(1)
	groups, n := byMethod(curves), 0
	size := map[string]float64{}
	for _, group := range groups {
		size[group[0].family()] += float64(len(driftPoints(group)))
	}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		group := groups[key]
		for _, p := range driftPoints(group) {
			// ln(best then / best at the end) = exponent ln(horizon/step): through zero, since
			// at the horizon nothing is left to drift. Dividing by the reach makes the
			// exponent itself what is regressed.
			weight := p.reach * p.reach / math.Sqrt(size[group[0].family()])
			normal.add([]float64{group[0].Facts.repetition()}, p.fell/p.reach, weight)
			n++
		}
	}
	if n < 8 {
		return Drift{}
	}
	exponent, repetition := normal.ridge(driftPenalty * normal.gram[0][0])
	return Drift{Exponent: round(exponent), Repetition: round(repetition[0]), Passes: round(passesOf(groups))}
}

// driftPenalty draws the part of repetition to zero, relative to the weight of all points.
const driftPenalty = 0.01

// passesOf learns from the rates that were best at the end on how many passes over the
// data: within one method of one model, which its trainable parameters tell.
func passesOf(groups map[string][]Curve) float64 {
	type model struct {
		method    evidence.Method
		trainable int64
	}
	of := map[model][][2]float64{}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		if end, rates := bestRate(groups[key], ownHorizon); rates >= 3 && end.Rate > 0 {
			m := model{end.Method, end.Facts.Trainable}
			of[m] = append(of[m], [2]float64{math.Log(math.Max(1, end.Facts.Epochs/fewPasses)), math.Log(end.Rate)})
		}
	}
	var square, product float64
	for _, points := range of {
		var x, y float64
		for _, p := range points {
			x, y = x+p[0]/float64(len(points)), y+p[1]/float64(len(points))
		}
		for _, p := range points {
			square, product = square+(p[0]-x)*(p[0]-x), product+(p[0]-x)*(p[1]-y)
		}
	}
	if square == 0 {
		return 0
	}
	return math.Max(0, -product/square)
}

// driftPoint is one method on one data set at one step.
type driftPoint struct {
	reach float64 // ln(horizon/step)
	fell  float64 // ln(rate best at the step / rate best at the horizon)
}

// driftPoints are those of one method on one data set. Steps at which the best rate is the
// highest of all count too: they tell of no less a drift, and leaving them out, as was
// tried, keeps of data read once the few that drift least.
func driftPoints(group []Curve) []driftPoint {
	end, rates := bestRate(group, ownHorizon)
	if rates < 3 || end.Rate <= 0 {
		return nil
	}
	var out []driftPoint
	for _, share := range driftShares() {
		step := share * ownHorizon
		best, _ := bestRate(group, step)
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
