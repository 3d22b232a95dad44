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

// Data read more often drift more steeply, and the rates best at the end tell how far a
// prior falls.
func TestDriftGoesWithRepetition(t *testing.T) {
	var curves []Curve
	for i, epochs := range []float64{1, 3, 12, 48} {
		for _, c := range drifting(fmt.Sprint("d", i)) {
			// The best rate goes down with the epochs at the end, and by as much less before.
			for k := range c.Points {
				step := math.Max(1, float64(c.Points[k].Step))
				power := 0.1 + 0.1*math.Log(epochs)
				off := math.Log(c.Rate/4e-3) + math.Log(epochs) - power*math.Log(2000/step)
				c.Points[k].Loss = 2 + math.Pow(1+step, -0.5)*(1+0.1*off*off)
			}
			c.Facts = Facts{Epochs: epochs, Trainable: 1000}
			curves = append(curves, c)
		}
	}
	d := NewSchooling(curves).Library().Drift
	if math.Abs(d.Repetition-0.1) > 0.04 || d.Passes < 0.6 || d.Passes > 1.4 {
		t.Fatalf("%+v", d)
	}
	once, often := Facts{Epochs: 1}, Facts{Epochs: 40}
	if a, b := d.Rate(1e-2, 20, 2000, once), d.Rate(1e-2, 20, 2000, often); a > 1e-2 || b > a/2 {
		t.Errorf("read once %v, often %v", a, b)
	}
	if a, b := d.Prior(1e-2, once), d.Prior(1e-2, often); a != 1e-2 || b > a/4 {
		t.Errorf("priors: read once %v, often %v", a, b)
	}
}

func TestDriftNeverRaises(t *testing.T) {
	if got := (Drift{Exponent: -0.3}).Rate(1e-3, 10, 1000, Facts{}); got != 1e-3 {
		t.Errorf("raised to %v", got)
	}
}
