package forecast

import "math"

// point is a baseline that names one number for a curve.
type point func(c Curve, horizon int) float64

// LastLoss is the last loss seen.
func LastLoss(c Curve, _ int) float64 { return c.Points[len(c.Points)-1].Loss }

// PowerLoss is E + A t^-b with b up to 2 by unweighted least squares, the first
// point left out: with the warm-up in it the law ranks far worse (0.55 against 0.86
// of pairs right at a fifth of the public curves).
func PowerLoss(c Curve, horizon int) float64 {
	s := seriesOf(c.Points, c.BlockSteps, c.Schedule).begun()
	if s.n() < 4 {
		return LastLoss(c, horizon)
	}
	s = series{t: s.t[1:], y: s.y[1:]}
	best, exponent := line{cost: math.Inf(1)}, 0.0
	for _, b := range geometric(0.01, 2, 60) {
		if fit := fitEven(s, func(t float64) float64 { return math.Pow(t, -b) }); fit.cost < best.cost {
			best, exponent = fit, b
		}
	}
	b := belief{arm: arm{Curve: c}, horizon: horizon}
	return b.end(func(t float64) float64 { return best.floor + best.size*math.Pow(t, -exponent) })
}

// pointHill is the mixture's Hill law by itself.
func pointHill(c Curve, horizon int) float64 {
	path, ok := hillLaw(seriesOf(c.Points, c.BlockSteps, c.Schedule))
	if !ok {
		return LastLoss(c, horizon)
	}
	return belief{arm: arm{Curve: c}, horizon: horizon}.end(path)
}

// byPoint turns a baseline's numbers into probabilities by the errors that it made
// on the other families, all errors being alike: the error library of the baseline.
func (r Replay) byPoint(share float64, p point) outcomes {
	guess := map[int]float64{}
	var errors []residual
	for i, c := range r.Curves {
		seen := c.upTo(share * float64(r.Horizon))
		if len(seen.Points) < 2 || math.IsNaN(r.target(i)) {
			continue
		}
		guess[i] = p(seen, r.Horizon)
		errors = append(errors, residual{c.family(), r.target(i) - guess[i], 1})
	}
	var out outcomes
	pools := map[[2]string]pool{}
	r.eachPair(func(a, b int) {
		key := [2]string{min(r.Curves[a].family(), r.Curves[b].family()), max(r.Curves[a].family(), r.Curves[b].family())}
		if _, ok := pools[key]; !ok {
			pools[key] = poolOf(errorsWithout(errors, key[0], key[1]))
		}
		d := guess[a] - guess[b]
		out.pairs = append(out.pairs, pairOutcome{a, b, r.target(a) - r.target(b), d, pools[key].below(-d / math.Sqrt2)})
	})
	for i := range r.Curves {
		if _, ok := guess[i]; !ok {
			continue
		}
		o := armOutcome{curve: i, truth: r.target(i)}
		others := errorsWithout(errors, r.Curves[i].family())
		for _, e := range others {
			o.loss.add(1/float64(len(others)), guess[i]+e.z, 0.002)
		}
		out.arms = append(out.arms, o)
	}
	return out
}

func errorsWithout(errors []residual, families ...string) []residual {
	var out []residual
	for _, e := range errors {
		if e.family != families[0] && e.family != families[len(families)-1] {
			out = append(out, e)
		}
	}
	return out
}
