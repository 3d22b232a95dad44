package advisor_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"ftadvise/advisor"
)

// integrate is E[max(0, X)] for X ~ N(mean, sd) by the trapezium rule: the oracle.
func integrate(mean, sd float64) float64 {
	const n = 20000
	low, high := -9.0, 9.0
	sum := 0.0
	for i := 0; i <= n; i++ {
		z := low + (high-low)*float64(i)/n
		f := math.Max(0, mean+sd*z) * math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
		if i == 0 || i == n {
			f /= 2
		}
		sum += f
	}
	return sum * (high - low) / n
}

func TestExpectedRegretAgainstIntegral(t *testing.T) {
	for _, c := range [][2]float64{{0, 1}, {1, 1}, {-1, 1}, {3, 0.5}, {-2, 4}, {100, 30}, {-0.01, 0.02}} {
		got, want := advisor.ExpectedRegret(c[0], c[1]), integrate(c[0], c[1])
		if math.Abs(got-want) > 1e-6*math.Max(1, want) {
			t.Errorf("N(%g, %g): %g, want %g", c[0], c[1], got, want)
		}
	}
}

func TestNoSpread(t *testing.T) {
	if p := advisor.ProbabilityPositive(0, 0); p != 0.5 {
		t.Errorf("P = %g at zero", p)
	}
	if p := advisor.ProbabilityPositive(-1, 0); p != 0 {
		t.Errorf("P = %g below zero", p)
	}
	if r := advisor.ExpectedRegret(2, 0); r != 2 {
		t.Errorf("regret = %g, want the difference itself", r)
	}
	if r := advisor.LeaderRegret(2, 0); r != 0 {
		t.Errorf("leader's regret = %g, want none", r)
	}
	if p := advisor.ProbabilityWithin(1, 2, 0); p != 0 {
		t.Errorf("P(|2| < 1) = %g", p)
	}
}

func TestRegretIsNeverNegativeAndGrowsWithSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mean := rapid.Float64Range(-1e6, 1e6).Draw(t, "mean")
		sd := rapid.Float64Range(0, 1e6).Draw(t, "sd")
		wider := sd * rapid.Float64Range(1, 10).Draw(t, "factor")
		a, b := advisor.LeaderRegret(mean, sd), advisor.LeaderRegret(mean, wider)
		if a < 0 || b < a-1e-9*math.Max(1, b) {
			t.Fatalf("regret %g at sd %g, %g at sd %g", a, sd, b, wider)
		}
		if x := advisor.ExpectedRegret(mean, sd) - advisor.ExpectedRegret(-mean, sd); math.Abs(x-mean) > 1e-6*math.Max(1, math.Abs(mean)) {
			t.Fatalf("both regrets differ by %g, want %g", x, mean)
		}
	})
}

func TestSampleWorth(t *testing.T) {
	if w := advisor.SampleWorth(0, 1, 1); w != 0 {
		t.Errorf("learning nothing is worth %g", w)
	}
	perfect := advisor.SampleWorth(0.3, 1, 0)
	if math.Abs(perfect-advisor.LeaderRegret(0.3, 1)) > 1e-12 {
		t.Errorf("perfect information is worth %g, want the leader's regret", perfect)
	}
	rapid.Check(t, func(t *rapid.T) {
		mean, sd := rapid.Float64Range(-10, 10).Draw(t, "mean"), rapid.Float64Range(0.01, 10).Draw(t, "sd")
		a := rapid.Float64Range(0, 1).Draw(t, "after") * sd
		if w := advisor.SampleWorth(mean, sd, a); w < 0 || w > advisor.LeaderRegret(mean, sd)+1e-9 {
			t.Fatalf("worth %g is not between 0 and perfect information", w)
		}
	})
}
