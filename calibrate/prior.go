package calibrate

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// PriorRates resolves the centres of the learning-rate searches, 0 being one that
// nobody named. LoRA's follows the width as Thinking Machines' "LoRA Without Regret"
// (2025) found for Llama models, 5e-4 (2000/hidden)^0.775, and full's is a share of it
// that depends on the adapter.
func PriorRates(full, lora float64, adapter evidence.Method, hidden int) (float64, float64) {
	ratio := rateRatio(adapter)
	switch {
	case full == 0 && lora == 0:
		lora = 5e-4 * math.Pow(2000/float64(max(hidden, 1)), 0.775)
		full = lora / ratio
	case full == 0:
		full = lora / ratio
	case lora == 0:
		lora = full * ratio
	}
	return full, lora
}

// rateRatio is LoRA's best learning rate over full's: ten, and about a third of that
// where alpha exceeds the rank, since the adapter's output is then scaled up. Both were
// seen in replications of that study and on stories260K, whose best rates were 0.0072
// and 0.0022 with alpha twice the rank.
func rateRatio(m evidence.Method) float64 {
	if m.Alpha > float64(m.Rank) {
		return 10.0 / 3
	}
	return 10
}
