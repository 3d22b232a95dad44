package forecast

import (
	"fmt"
	"math"
	"testing"

	"ftadvise/calibrate/evidence"
)

// drifting makes finished curves whose best rate falls with the root of the steps.
func drifting(data string) []Curve {
	var out []Curve
	for k := -6; k <= 6; k++ {
		c := Curve{Name: fmt.Sprint(data, k), Data: data, Family: data, Method: evidence.Method{Kind: evidence.Full},
			Rate: 1e-3 * math.Pow(2, float64(k)), Schedule: evidence.Schedule{Shape: evidence.Constant}}
		for _, step := range []int{0, 5, 8, 12, 20, 30, 50, 80, 120, 200, 300, 500, 800, 1200, 2000} {
			off := math.Log(c.Rate/1e-3) - 0.5*math.Log(2000/math.Max(1, float64(step)))
			loss := 2 + math.Pow(1+float64(step), -0.5)*(1+0.1*off*off)
			if step == 0 {
				loss = 3.1
			}
			c.Points = append(c.Points, evidence.Point{Step: step, Loss: loss})
		}
		out = append(out, c)
	}
	return out
}

func TestDriftIsLearned(t *testing.T) {
	var curves []Curve
	for i := range 4 {
		curves = append(curves, drifting(fmt.Sprint("d", i))...)
	}
	library := NewSchooling(curves).Library()
	if d := library.Drift; math.Abs(d.Exponent-0.5) > 0.1 {
		t.Fatalf("%+v", d)
	}
	if rate := library.Drift.Rate(8e-3, 31, 2000, Facts{}); rate < 0.5e-3 || rate > 2e-3 {
		t.Errorf("moved to %v, want about 1e-3", rate)
	}
}

func TestDriftRate(t *testing.T) {
	d := Drift{Exponent: 0.5}
	tests := []struct {
		name          string
		step, horizon int
		want          float64
	}{
		{"a hundredth of the horizon", 10, 1000, 0.1},
		{"at the horizon", 1000, 1000, 1},
		{"beyond it", 2000, 1000, 1},
		{"step 0", 0, 1000, 1},
	}
	for _, test := range tests {
		if got := d.Rate(1, test.step, test.horizon, Facts{}); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	if got := (Drift{}).Rate(3e-4, 10, 1000, Facts{}); got != 3e-4 {
		t.Errorf("without finished curves the rate moved to %v", got)
	}
}

func TestRateAtRank(t *testing.T) {
	lora := func(rank int) evidence.Method { return evidence.Method{Kind: evidence.LoRA, Rank: rank} }
	if got := RateAtRank(4e-3, lora(8), lora(32)); math.Abs(got-2e-3) > 1e-12 {
		t.Errorf("%v", got)
	}
	if got := RateAtRank(4e-3, lora(8), lora(8)); got != 4e-3 {
		t.Errorf("%v", got)
	}
}
