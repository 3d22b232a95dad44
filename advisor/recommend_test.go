package advisor_test

import (
	"encoding/json"
	"strings"
	"testing"

	"ftadvise/advisor"
	"ftadvise/advisor/advisortest"
)

// cheaper decides for the lower bill: the plainest Decider.
type cheaper struct{}

func (cheaper) Decide(f advisor.Features) (advisor.Verdict, error) {
	v := advisor.Verdict{Answer: advisor.UseLoRA, Policy: "cheaper", Rule: "cheaper", Because: "its bill is the lower"}
	full, ok := f["full_total_usd"]
	lora, both := f["lora_total_usd"]
	if ok && (!both || full < lora) {
		v.Answer = advisor.UseFull
	}
	v.Confidence = f["p_full_cheaper"]
	if v.Answer == advisor.UseLoRA {
		v.Confidence = 1 - v.Confidence
	}
	return v, nil
}

func recommend(t testing.TB, c advisortest.Case, change func(*advisor.Stakes)) *advisor.Recommendation {
	t.Helper()
	s := advisor.DefaultStakes()
	if change != nil {
		change(&s)
	}
	rec, err := advisor.Recommend(c.Run(), s, nil, cheaper{}, advisortest.Now())
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func TestRecommendPrints(t *testing.T) {
	c := advisortest.New()
	c.Gap = 0.05
	rec := recommend(t, c, nil)
	if _, err := json.Marshal(rec); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, s := range rec.Explain() {
		b.WriteString(s.Title + "\n")
		for _, l := range s.Lines {
			b.WriteString("  " + l + "\n")
		}
	}
	for _, o := range rec.Options {
		b.WriteString(o.Name + "\n")
		for _, c := range o.Costs {
			b.WriteString("   " + c.Name + " " + c.Basis + "\n")
		}
	}
	t.Log(b.String())
}
