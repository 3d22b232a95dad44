package reports_test

import (
	"slices"
	"strings"
	"testing"

	"ftadvise/advisor"
	"ftadvise/reports"
)

// TestMoneySaysWhatLiesBetween: the bars of two options overlap by the doubt that both
// share, so the difference stands beside them in every form.
func TestMoneySaysWhatLiesBetween(t *testing.T) {
	s := fullWins()
	s.rec.Tornado = append(s.rec.Tornado, advisor.Swing{Fact: "gap_nats", LowUSD: 900, HighUSD: 1700})
	v := reports.New(s.run, s.rec, s.opts)
	const want = "lora(r=8) less full"
	for name, text := range map[string]string{"summary": v.Summary(), "Markdown": inMarkdown(t, v), "HTML": string(page(t, s))} {
		if !strings.Contains(text, want) || !strings.Contains(text, "900 to ") {
			t.Errorf("%s does not say what lies between the options:\n%s", name, text)
		}
	}
}

// TestUnpricedOptionCostsNothingKnown: no bill is not a bill of $0.
func TestUnpricedOptionCostsNothingKnown(t *testing.T) {
	s := fullWins()
	s.rec.Options[1].Costs, s.rec.Options[1].Total.Mean = nil, 0
	text := reports.New(s.run, s.rec, s.opts).Summary()
	if !strings.Contains(text, s.rec.Options[1].Name+": not priced\n") {
		t.Error(text)
	}
}

// TestNextNamesACommandOnce: what more evidence asks for is often the first step too.
func TestNextNamesACommandOnce(t *testing.T) {
	s := budgetTooSmall()
	s.rec.Next = append([]string{s.rec.More.Command}, s.rec.Next...)
	s.rec.Next = slices.Compact(s.rec.Next)
	text := inMarkdown(t, reports.New(s.run, s.rec, s.opts))
	if n := strings.Count(text, s.rec.More.Command); n != 1 {
		t.Errorf("%q stands %d times", s.rec.More.Command, n)
	}
}

func inMarkdown(t *testing.T, v reports.View) string {
	t.Helper()
	var b strings.Builder
	if err := v.Markdown(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
