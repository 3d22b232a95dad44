package forecast

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// mixture is a weighted sum of normal distributions.
type mixture struct{ weight, mean, sd []float64 }

func (m *mixture) add(weight, mean, sd float64) {
	m.weight, m.mean, m.sd = append(m.weight, weight), append(m.mean, mean), append(m.sd, sd)
}

// normalise makes the weights sum to one.
func (m *mixture) normalise() {
	var sum float64
	for _, w := range m.weight {
		sum += w
	}
	for i := range m.weight {
		m.weight[i] /= sum
	}
}

func (m mixture) centre() float64 {
	var out float64
	for i, w := range m.weight {
		out += w * m.mean[i]
	}
	return out
}

func (m mixture) spread() float64 {
	centre, out := m.centre(), 0.0
	for i, w := range m.weight {
		out += w * (m.sd[i]*m.sd[i] + (m.mean[i]-centre)*(m.mean[i]-centre))
	}
	return math.Sqrt(out)
}

// widened scales the mixture about its centre and adds an independent error.
func (m mixture) widened(factor, noise float64) mixture {
	centre, out := m.centre(), mixture{}
	for i, w := range m.weight {
		out.add(w, centre+factor*(m.mean[i]-centre), math.Hypot(factor*m.sd[i], noise))
	}
	return out
}

// negative is the distribution of minus the value.
func (m mixture) negative() mixture { return m.stretched(-1) }

// stretched scales the means alone.
func (m mixture) stretched(factor float64) mixture {
	out := mixture{weight: m.weight, sd: m.sd, mean: make([]float64, len(m.mean))}
	for i, x := range m.mean {
		out.mean[i] = factor * x
	}
	return out
}

// below is the probability of a value under x.
func (m mixture) below(x float64) float64 {
	var out float64
	for i, w := range m.weight {
		switch z := (x - m.mean[i]) / m.sd[i]; {
		case z > 6: // the rest is below a billionth, and finished curves give hundreds
			out += w
		case z > -6:
			out += w * phi(z)
		}
	}
	return math.Min(1, out)
}

// quantile inverts below by bisection.
func (m mixture) quantile(p float64) float64 {
	low, high := m.centre()-12*m.spread(), m.centre()+12*m.spread()
	for range 60 {
		if middle := (low + high) / 2; m.below(middle) < p {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}

// capped is the distribution of the smaller of the mixture and a constant: the loss
// at the best checkpoint when the best so far is known.
func (m mixture) capped(c float64) (mean, sd float64) {
	var first, second float64
	for i, w := range m.weight {
		z := (c - m.mean[i]) / m.sd[i]
		density := math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
		one := m.mean[i]*phi(z) - m.sd[i]*density
		two := (m.mean[i]*m.mean[i]+m.sd[i]*m.sd[i])*phi(z) - m.sd[i]*(m.mean[i]+c)*density
		first += w * (one + c*(1-phi(z)))
		second += w * (two + c*c*(1-phi(z)))
	}
	return first, math.Sqrt(math.Max(0, second-first*first))
}

func (m mixture) distribution() evidence.Distribution {
	return evidence.Distribution{Mean: m.centre(), SD: m.spread(),
		P10: m.quantile(0.1), P50: m.quantile(0.5), P90: m.quantile(0.9)}
}
