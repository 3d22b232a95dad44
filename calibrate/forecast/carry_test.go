package forecast

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// gapsOf are lessons of six families whose gaps go on by a part of their motion, with an
// error; one of them ends anywhere.
func gapsOf(part, noise float64) []lesson {
	var out []lesson
	for family := range 6 {
		for i := range 8 {
			motion := 0.1 * math.Sin(float64(3*family+5*i+1))
			l := lesson{family: fmt.Sprint(family), unit: 1, last: 0.3, lag: 0.3, falls: []float64{motion}, moved: math.Abs(motion), recent: 0.1}
			l.rest = part*motion + noise*math.Sin(float64(7*family+11*i))
			if family == 5 {
				l.rest = 3
			}
			out = append(out, l)
		}
	}
	return out
}

// As much of the motion is carried on as other families bear out, and never more than was seen.
func TestCarry(t *testing.T) {
	for _, test := range []struct {
		name        string
		part, noise float64
		low, high   float64
	}{
		{"all of the motion again", 1, 0.01, 0.6, 1},
		{"a half of it", 0.5, 0.01, 0.1, 0.5},
		{"back where it came from", -0.5, 0.01, -0.5, -0.1},
		{"noise, which bears out nothing", 0, 0.2, -0.02, 0.02},
	} {
		c := carryOf(gapsOf(test.part, test.noise))
		if c.all < test.low || c.all > test.high || len(c.without) != 6 {
			t.Errorf("%s: %.3f, without families %v", test.name, c.all, c.without)
		}
	}
}

// Which method is called full does not matter to what is learned.
func TestCarryEitherWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lessons := gapsOf(rapid.Float64Range(-1, 1).Draw(t, "part"), rapid.Float64Range(0.001, 0.3).Draw(t, "noise"))
		exchanged := append([]lesson(nil), lessons...)
		for i := range exchanged {
			if rapid.Bool().Draw(t, "exchanged") {
				l := &exchanged[i]
				l.last, l.rest, l.falls = -l.last, -l.rest, []float64{-l.falls[0]}
			}
		}
		if a, b := carryOf(lessons), carryOf(exchanged); math.Abs(a.all-b.all) > 1e-9 {
			t.Fatalf("%v became %v", a.all, b.all)
		}
	})
}
