package forecast

import "math"

// priorDraws is the number of curves drawn; twice as many changed no forecast of the
// replay by more than a thousandth of its curve's range.
const priorDraws = 192

// priorLaw averages curves drawn from the prior on which LC-PFN was trained
// (arXiv 2310.20447, after Domhan et al. 2015): a weighted sum of a power law, an
// inverse logarithm and a Janoschek curve. Each draw's floor and size are solved for,
// so only the shape is sampled, and a draw counts by its marginal likelihood. The
// draws come from a Halton sequence: even, and the same every time.
func priorLaw(s series) (func(float64) float64, bool) {
	if s.n() < 4 {
		return nil, false
	}
	end, _ := s.last()
	noise := math.Pow(0.003*s.span(), 2) * math.Sqrt(end+1)
	shapes, fits := make([]drawn, 0, priorDraws), make([]line, 0, priorDraws)
	least := math.Inf(1)
	for i := 1; i <= priorDraws; i++ {
		shape := draw(i, end)
		fit := fitLine(s, shape.at)
		if fit.size <= 0 {
			continue
		}
		shapes, fits = append(shapes, shape), append(fits, fit)
		least = math.Min(least, fit.cost)
	}
	if len(fits) == 0 {
		return nil, false
	}
	weights := likelihoods(fits, least, noise, s.n())
	return func(step float64) float64 {
		var sum float64
		for i, w := range weights {
			if w > 0 {
				sum += w * (fits[i].floor + fits[i].size*shapes[i].at(step))
			}
		}
		return sum
	}, true
}

// likelihoods weighs fits with the noise integrated out, which gives a power of the
// residual sum instead of an exponential: one lucky draw cannot take all.
func likelihoods(fits []line, least, noise float64, n int) []float64 {
	weights := make([]float64, len(fits))
	var total float64
	for i, f := range fits {
		weights[i] = math.Pow((least+noise)/(f.cost+noise), float64(n)/2)
		if weights[i] < 1e-4 {
			weights[i] = 0
		}
		total += weights[i]
	}
	for i := range weights {
		weights[i] /= total
	}
	return weights
}

// drawn is one shape of the prior: falling from about 1 at step 0.
type drawn struct {
	unit                   float64 // steps
	power, log, janoschek  float64 // weights, summing to one
	exponent, kappa, delta float64
}

func draw(i int, end float64) drawn {
	d := drawn{unit: end / 32, power: halton(i, 2), log: halton(i, 3), janoschek: halton(i, 5)}
	sum := d.power + d.log + d.janoschek
	d.power, d.log, d.janoschek = d.power/sum, d.log/sum, d.janoschek/sum
	d.exponent = math.Exp(-2.3 + 2.7*halton(i, 7)) // 0.1 to 1.5
	d.kappa = math.Exp(-4.6 + 5.3*halton(i, 11))   // 0.01 to 2
	d.delta = math.Exp(-0.9 + 1.3*halton(i, 13))   // 0.4 to 1.5
	return d
}

func (d drawn) at(step float64) float64 {
	x := step / d.unit
	return d.power*math.Pow(1+x, -d.exponent) + d.log/math.Log(x+math.E) +
		d.janoschek*math.Exp(-d.kappa*math.Pow(x, d.delta))
}

// halton is the i-th number of the van der Corput sequence in a base, in (0,1).
func halton(i, base int) float64 {
	out, part := 0.0, 1.0
	for ; i > 0; i /= base {
		part /= float64(base)
		out += part * float64(i%base)
	}
	return out
}
