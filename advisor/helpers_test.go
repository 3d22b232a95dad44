package advisor_test

import (
	"testing"

	"ftadvise/advisor"
	"ftadvise/advisor/advisortest"
	"ftadvise/calibrate/evidence"
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

func recommend(t testing.TB, run *evidence.Run, change func(*advisor.Stakes)) *advisor.Recommendation {
	t.Helper()
	s := advisor.DefaultStakes()
	if change != nil {
		change(&s)
	}
	rec, err := advisor.Recommend(run, s, nil, cheaper{}, advisortest.Now())
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// option finds an option by the kind of its method.
func option(t testing.TB, rec *advisor.Recommendation, k evidence.Kind) advisor.Option {
	t.Helper()
	for _, o := range rec.Options {
		if o.Method.Kind == k {
			return o
		}
	}
	t.Fatalf("no option %s", k)
	return advisor.Option{}
}

func line(t testing.TB, o advisor.Option, name string) advisor.Cost {
	t.Helper()
	for _, c := range o.Costs {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("%s has no line %s", o.Name, name)
	return advisor.Cost{}
}
