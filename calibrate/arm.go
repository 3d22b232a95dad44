package calibrate

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// arm is one method of a calibration with the name that its trials bear.
type arm struct {
	method evidence.Method
	key    string  // full, lora-r8
	prior  float64 // learning rate at the centre of its search
}

// arms names the methods of a spec; two of one rank are told apart by a number.
func (s Spec) arms() []arm {
	var out []arm
	seen := map[string]int{}
	for _, m := range s.Methods() {
		a := arm{method: m, key: "full", prior: s.RateFull}
		if m.Kind == evidence.LoRA {
			a.key, a.prior = fmt.Sprintf("lora-r%d", m.Rank), s.RateLoRA
			if len(s.LoRA) > 0 && alike(s.LoRA[0], m) {
				a.prior = forecast.RateAtRank(s.RateLoRA, s.LoRA[0], m)
			}
		}
		if seen[a.key]++; seen[a.key] > 1 {
			a.key = fmt.Sprintf("%s.%d", a.key, seen[a.key])
		}
		out = append(out, a)
	}
	return out
}

// rateFactor is the step of the learning-rate grid. At three, the best of the grid
// is within a factor of 1.7 of the optimum, where the loss is flat.
const rateFactor = 3

// grid is the search's first n rates around the prior, ascending. An even n has one
// more below than above: a rate too low costs steps, one too high the run.
func grid(prior float64, n int) []float64 {
	out := make([]float64, 0, n)
	for k := -n / 2; len(out) < n; k++ {
		out = append(out, roundRate(prior*math.Pow(rateFactor, float64(k))))
	}
	return out
}

// roundRate keeps three digits, so that a rate is the number that it is printed as.
func roundRate(rate float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(rate, 'e', 2, 64), 64)
	if err != nil {
		return rate
	}
	return rounded
}

// trialID names a trial by its arm and rate: lora-r8-5e-04.
func (a arm) trialID(rate float64) string {
	text := strconv.FormatFloat(rate, 'e', 2, 64)
	digits, exponent, _ := strings.Cut(text, "e")
	digits = strings.TrimRight(strings.TrimRight(digits, "0"), ".")
	return a.key + "-" + digits + "e" + strings.TrimPrefix(exponent, "+")
}
