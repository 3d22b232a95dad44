package decision

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// TestBetweenRates: the losses between two rates lie between theirs, meet them, and are
// no lower than the best of all.
func TestBetweenRates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		losses := rapid.SliceOfN(rapid.Float64Range(0.1, 9), 2, 7).Draw(t, "losses")
		var a course
		for k, loss := range losses {
			a.curves = append(a.curves, forecast.Curve{Rate: 1e-4 * math.Pow(2, float64(k)), Points: []evidence.Point{{Step: 0, Loss: loss}, {Step: 10, Loss: loss}}})
		}
		k := rapid.IntRange(0, len(losses)-2).Draw(t, "interval")
		share := rapid.Float64Range(0, 1).Draw(t, "share")
		got := a.at(a.curves[k].Rate*math.Pow(2, share), 5)
		low, high := math.Min(losses[k], losses[k+1]), math.Max(losses[k], losses[k+1])
		if got < low-1e-9 || got > high+1e-9 {
			t.Fatalf("%v between %v and %v", got, losses[k], losses[k+1])
		}
		if at := a.at(a.curves[k].Rate, 5); math.Abs(at-losses[k]) > 1e-9 {
			t.Fatalf("%v at a rate whose loss is %v", at, losses[k])
		}
	})
}

// TestMargins: who answers by the sign of the gap is wrong where full does not gain enough.
func TestMargins(t *testing.T) {
	v := Verdicts{"sign", []Call{
		{"a", "a", 0.3, 0, 0.9}, {"a", "a", 0.3, 0.5, 0.9}, // gains, but not enough
		{"b", "b", -0.2, 0, 0.1}, {"b", "b", 0.495, 0.5, 0.1}, // LoRA; a tie
	}}
	s := v.Score(0.01)
	if s.Calls != 4 || s.Ties != 1 || len(s.Failures) != 1 || math.Abs(s.Accuracy.Value-2.0/3) > 1e-9 || math.Abs(s.Regret.Value-0.05) > 1e-9 {
		t.Errorf("%+v", s)
	}
	if at := v.At(0.5); len(at.Calls) != 2 || at.Calls[0].Gap != 0.3 {
		t.Errorf("%+v", at)
	}
	d := evidence.Distribution{Mean: 1, P10: 0, P50: 1, P90: 3}
	for x, want := range map[float64]float64{0: 0.9, 1: 0.5, 3: 0.1} {
		if got := above(d, x); math.Abs(got-want) > 1e-3 {
			t.Errorf("above %v: %v, want %v", x, got, want)
		}
	}
}
