package advisor_test

import (
	"math"
	"sort"
	"strings"
	"testing"

	"ftadvise/advisor"
	"ftadvise/advisor/advisortest"
)

func flip(rec *advisor.Recommendation, fact string) (advisor.Flip, bool) {
	for _, f := range rec.Flips {
		if f.Fact == fact {
			return f, true
		}
	}
	return advisor.Flip{}, false
}

// A flip is true: just beyond it the answer differs, just before it does not.
func TestFlipsAreWhereTheAnswerTurns(t *testing.T) {
	c := advisortest.New()
	c.Gap, c.GapSD = 0.05, 0.01
	set := func(v float64) func(*advisor.Stakes) {
		return func(s *advisor.Stakes) { s.BaseChangesPerYear, s.USDPerNat = 0, v }
	}
	rec := recommend(t, c.Run(), set(10_000))
	f, ok := flip(rec, "usd_per_nat")
	if !ok || rec.Verdict.Answer != advisor.UseFull || f.Answer != advisor.UseLoRA || !(f.At < 10_000) {
		t.Fatalf("%s, flips %+v", rec.Verdict.Answer, rec.Flips)
	}
	if got := recommend(t, c.Run(), set(f.At*0.98)).Verdict.Answer; got != advisor.UseLoRA {
		t.Errorf("beyond %g the answer is %s", f.At, got)
	}
	if got := recommend(t, c.Run(), set(f.At*1.02)).Verdict.Answer; got != advisor.UseFull {
		t.Errorf("before %g the answer is %s", f.At, got)
	}
	if rec.BreakEven == nil || !(math.Abs(*rec.BreakEven-f.At) < 0.02*f.At) {
		t.Errorf("break-even %v, flip at %g", rec.BreakEven, f.At)
	}
	if want := "LoRA wins below $"; !strings.HasPrefix(f.Text, want) || !strings.HasSuffix(f.Text, " a nat (now $10,000)") {
		t.Errorf("%q", f.Text)
	}
}

func TestWholeFlips(t *testing.T) {
	c := advisortest.New()
	c.Gap, c.GapSD = 0.2, 0.01
	rec := recommend(t, c.Run(), nil)
	f, ok := flip(rec, "tasks")
	if !ok || f.At != math.Trunc(f.At) || !strings.Contains(f.Text, " tasks (now 1)") {
		t.Errorf("%+v", f)
	}
}

func TestFlipsAreNearestFirst(t *testing.T) {
	c := advisortest.New()
	c.Gap = 0.05
	flips := recommend(t, c.Run(), func(s *advisor.Stakes) { s.Tasks = 3 }).Flips
	if len(flips) < 2 {
		t.Fatalf("%+v", flips)
	}
	far := func(f advisor.Flip) float64 { return math.Abs(f.At-f.Now) / math.Max(math.Abs(f.Now), 1e-9) }
	if !sort.SliceIsSorted(flips, func(i, j int) bool { return far(flips[i]) < far(flips[j]) }) {
		t.Errorf("%+v", flips)
	}
}

func TestTornado(t *testing.T) {
	c := advisortest.New()
	c.Gap, c.GapSD = 0.05, 0.05
	rec := recommend(t, c.Run(), nil)
	bars := rec.Tornado
	if len(bars) < 5 {
		t.Fatalf("%+v", bars)
	}
	if !sort.SliceIsSorted(bars, func(i, j int) bool {
		return math.Abs(bars[i].HighUSD-bars[i].LowUSD) > math.Abs(bars[j].HighUSD-bars[j].LowUSD)
	}) {
		t.Errorf("the widest bar does not stand first: %+v", bars)
	}
	for _, b := range bars {
		if b.Fact == "gap_nats" && (!b.Flips || !(b.LowUSD < 0 && b.HighUSD > 0)) {
			t.Errorf("a gap of 0.05 with a spread of 0.05 does not flip: %+v", b)
		}
	}
}
