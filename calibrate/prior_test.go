package calibrate_test

import (
	"math"
	"testing"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
)

func TestPriorRates(t *testing.T) {
	tests := []struct {
		name           string
		full, lora     float64 // as given
		alpha          float64 // at rank 8
		hidden         int
		wantFull, want float64
	}{
		{"at the study's width", 0, 0, 8, 2000, 5e-5, 5e-4},
		{"alpha twice the rank", 0, 0, 16, 2000, 1.5e-4, 5e-4},
		{"narrower, so higher", 0, 0, 8, 64, 7.2e-4, 7.2e-3},
		{"full given", 1e-5, 0, 8, 2000, 1e-5, 1e-4},
		{"LoRA given", 0, 1e-3, 8, 2000, 1e-4, 1e-3},
		{"both given", 1e-6, 1e-2, 16, 2000, 1e-6, 1e-2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := evidence.Method{Kind: evidence.LoRA, Rank: 8, Alpha: tt.alpha}
			full, lora := calibrate.PriorRates(tt.full, tt.lora, m, tt.hidden)
			if math.Abs(full/tt.wantFull-1) > 0.01 || math.Abs(lora/tt.want-1) > 0.01 {
				t.Errorf("got %g and %g, want %g and %g", full, lora, tt.wantFull, tt.want)
			}
		})
	}
}
