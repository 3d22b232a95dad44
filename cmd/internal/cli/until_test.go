package cli

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The rounds of a budget, however often more is advised and however long: each is longer
// than the one before, all of them stay within the budget, and they come to an end.
func TestRoundsGrowWithinTheBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		begun := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		now := begun
		budget := allowance{begun: begun, now: func() time.Time { return now },
			total: time.Duration(rapid.Float64Range(1, 1e5).Draw(t, "budget") * float64(time.Second))}
		last := budget.total / firstShare
		for rounds := 0; ; rounds++ {
			used := rapid.Float64Range(0, 1).Draw(t, "share used")
			now = now.Add(time.Duration(used * float64(last)))
			next := budget.grant(last.Seconds(), rapid.Float64Range(0, 1e6).Draw(t, "advised"))
			if next == 0 {
				return
			}
			if next > budget.left() || float64(next) < leastGrowth*float64(last)-float64(time.Microsecond) || rounds > 4 {
				t.Fatalf("round %d: %v after %v, %v left", rounds, next, last, budget.left())
			}
			last = next
		}
	})
}

func TestGrant(t *testing.T) {
	begun := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name                      string
		gone, last, advised, want float64 // seconds, of a budget of 100
	}{
		{"what is left, since no third would fit", 25, 25, 60, 75},
		{"twice the last, with room for another", 10, 10, 12, 20},
		{"as long as advised", 5, 5, 30, 30},
		{"advised beyond what is left", 25, 25, 4000, 75},
		{"too short to show more", 30, 60, 90, 0},
		{"nothing left", 101, 25, 50, 0},
	} {
		budget := allowance{total: 100 * time.Second, begun: begun,
			now: func() time.Time { return begun.Add(time.Duration(c.gone * float64(time.Second))) }}
		if got := budget.grant(c.last, c.advised); got.Seconds() != c.want {
			t.Errorf("%s: %v, want %v s", c.name, got, c.want)
		}
	}
}
