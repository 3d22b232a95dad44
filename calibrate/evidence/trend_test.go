package evidence_test

import (
	"testing"

	"pgregory.net/rapid"

	"ftadvise/calibrate/evidence"
)

func TestFades(t *testing.T) {
	for _, test := range []struct {
		name   string
		trend  evidence.Trend
		margin float64
		want   bool
	}{
		{"LoRA's lead shrinks by .15 a doubling, four are left", evidence.Trend{Last: -0.4, Moved: 0.15, Doublings: 4}, 0, true},
		{"two are left", evidence.Trend{Last: -0.4, Moved: 0.15, Doublings: 2}, 0, false},
		{"full's lead shrinks", evidence.Trend{Last: 0.4, Moved: -0.15, Doublings: 4}, 0, true},
		{"a lead that grows", evidence.Trend{Last: 0.4, Moved: 0.15, Doublings: 4}, 0, false},
		{"nothing moves", evidence.Trend{Last: 0.4, Doublings: 4}, 0, false},
		{"nothing is left", evidence.Trend{Last: 0.4, Moved: -0.15}, 0, false},
		{"full gains enough and stays ahead, but not by the margin", evidence.Trend{Last: 0.4, Moved: -0.05, Doublings: 4}, 0.3, true},
		{"nothing known", evidence.Trend{}, 0, false},
	} {
		if got := test.trend.Fades(test.margin); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

// Which method is called full does not matter.
func TestFadesEitherWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := func(name string) float64 { return rapid.Float64Range(-1, 1).Draw(t, name) }
		a := evidence.Trend{Last: number("last"), Moved: number("moved"), Doublings: rapid.Float64Range(0, 8).Draw(t, "doublings")}
		b, margin := evidence.Trend{Last: -a.Last, Moved: -a.Moved, Doublings: a.Doublings}, number("margin")
		if a.Fades(margin) != b.Fades(-margin) {
			t.Fatalf("%+v at %v and its mirror differ", a, margin)
		}
	})
}
