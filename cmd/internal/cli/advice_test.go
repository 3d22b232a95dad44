package cli

import "testing"

// Amounts that round up to the next thousand or million have their commas.
func TestDollars(t *testing.T) {
	for v, want := range map[float64]string{
		0: "$0.00", 2e-7: "$0", 0.0123: "$0.012", 1.5: "$1.50", 140: "$140", 999.7: "$1,000", 2039.6: "$2,040",
		999_999.7: "$1,000,000", 1_234_567: "$1,234,567", 2e9: "$2000.00 M",
	} {
		if got := dollars(v); got != want {
			t.Errorf("dollars(%v) is %q, not %q", v, got, want)
		}
	}
}
