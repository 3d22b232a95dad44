package forecast

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// z90 is the standard normal's 90 % quantile.
const z90 = 1.2815515655446004

// phi is the standard normal's distribution function.
func phi(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

// normal is the distribution with that mean and standard deviation.
func normal(mean, sd float64) evidence.Distribution {
	return evidence.Distribution{Mean: mean, SD: sd,
		P10: mean - z90*sd, P50: mean, P90: mean + z90*sd}
}
