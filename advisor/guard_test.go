package advisor_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"ftadvise/advisor"
	"ftadvise/advisor/advisortest"
	"ftadvise/calibrate/evidence"
)

// never is a Decider that must not be asked.
type never struct{ t *testing.T }

func (n never) Decide(advisor.Features) (advisor.Verdict, error) {
	n.t.Error("the policy was asked although the evidence is unfit")
	return advisor.Verdict{}, nil
}

func TestGuards(t *testing.T) {
	cases := []struct {
		name   string
		change func(*evidence.Run)
		want   advisor.Answer
		rule   string
		says   string
	}{
		{"random weights", func(r *evidence.Run) { r.Setup.Model.RandomWeights = true },
			advisor.Unfit, "guard:random-weights", "random weights measure time and memory"},
		{"worse than uniform on all text", func(r *evidence.Run) {
			r.Domain.BaseLoss, r.Domain.BaseGeneralLoss = ptr(11.2), ptr(11.5)
		}, advisor.Unfit, "guard:worse-than-uniform", "worse than the 10.4 nats of a model that knows nothing"},
		{"a leak", func(r *evidence.Run) { r.Data.LeakShare = 0.2 }, advisor.Unfit, "guard:leak", "20% of the held-out records"},
		{"too few held-out tokens", func(r *evidence.Run) { r.Data.EvalTokens = 40 }, advisor.Unfit, "guard:few-held-out-tokens", "40 held-out tokens"},
		{"a gap that is not a number", func(r *evidence.Run) { r.Gaps[0].AtBest.Mean = math.NaN() }, advisor.Unfit, "guard:not-a-number", "not a number"},
		{"a forecast that is not a number", func(r *evidence.Run) { r.Forecasts[0].Loss.SD = math.Inf(1) }, advisor.Unfit, "guard:not-a-number", "full"},
		{"a last loss that is not a number", func(r *evidence.Run) {
			r.Trials[1].Outcome.EvalLoss[4].Loss = math.NaN()
		}, advisor.Unfit, "guard:not-a-number", "lora-ra"},
		{"full was not tried", func(r *evidence.Run) { r.Trials, r.Forecasts = r.Trials[1:], r.Forecasts[1:] },
			advisor.BudgetTooSmall, "guard:full-not-tried", "nothing to weigh LoRA against"},
		{"LoRA was not tried", func(r *evidence.Run) { r.Trials, r.Forecasts = r.Trials[:1], r.Forecasts[:1] },
			advisor.BudgetTooSmall, "guard:lora-not-tried", "nothing to weigh full"},
		{"full diverged", func(r *evidence.Run) {
			r.Trials[0].Outcome = evidence.Outcome{Status: evidence.Diverged, Reason: "loss 1e9 at step 3"}
			r.Forecasts, r.Gaps = nil, nil
		}, advisor.BudgetTooSmall, "guard:full-not-measured", "(diverged: loss 1e9 at step 3): try lower learning rates"},
		{"nothing trained", func(r *evidence.Run) {
			for i := range r.Trials {
				r.Trials[i].Outcome = evidence.Outcome{Status: evidence.EngineDied, Reason: "killed by signal 9"}
			}
			r.Forecasts, r.Gaps = nil, nil
		}, advisor.BudgetTooSmall, "guard:nothing-measured", "killed by signal 9"},
		{"thirty steps", func(r *evidence.Run) { r.Setup.Preset = "essay" }, advisor.BudgetTooSmall, "guard:thirty-steps", "do not decide"},
		{"no common step", func(r *evidence.Run) {
			r.Forecasts, r.Gaps = nil, nil
			r.Trials[1].Outcome.EvalLoss = []evidence.Point{{Step: 7, Loss: 2}}
		}, advisor.BudgetTooSmall, "guard:no-common-step", "same step"},
		{"nothing fits", func(r *evidence.Run) {
			for i := range r.Trials {
				r.Trials[i].Outcome = evidence.Outcome{Status: evidence.DoesNotFit}
			}
			r.Forecasts, r.Gaps = nil, nil
		}, advisor.NothingFits, "guard:does-not-fit", "quantised to four bits needs about 1.23 GiB and may"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			run := advisortest.New().Run()
			c.change(run)
			rec, err := advisor.Recommend(run, advisor.DefaultStakes(), nil, never{t}, advisortest.Now())
			if err != nil {
				t.Fatal(err)
			}
			if rec.Verdict.Answer != c.want || rec.Verdict.Rule != c.rule || !strings.Contains(rec.Verdict.Because, c.says) {
				t.Errorf("%s by %s: %s", rec.Verdict.Answer, rec.Verdict.Rule, rec.Verdict.Because)
			}
			if _, err := json.Marshal(rec); err != nil {
				t.Error(err)
			}
			if rec.Verdict.Method.Kind != "" {
				t.Errorf("a method is named: %s", rec.Verdict.Method)
			}
		})
	}
}

func ptr(v float64) *float64 { return &v }

// The user's data alone never make a model unfit: a sound model may do worse than
// uniform on text that is foreign to it.
func TestForeignDataOnlyWarn(t *testing.T) {
	run := advisortest.New().Run()
	run.Domain.BaseLoss = ptr(11.2)
	rec := recommend(t, run, nil)
	if rec.Verdict.Answer == advisor.Unfit || !warned(rec, "base-worse-than-uniform") {
		t.Errorf("%s, warnings %v", rec.Verdict.Answer, rec.Warnings)
	}
}

func warned(rec *advisor.Recommendation, code string) bool {
	for _, w := range rec.Warnings {
		if w.Code == code {
			return true
		}
	}
	return false
}

func TestDoubts(t *testing.T) {
	cases := []struct {
		code   string
		change func(*evidence.Run)
		stakes func(*advisor.Stakes)
	}{
		{code: "small-leak", change: func(r *evidence.Run) { r.Data.LeakShare = 0.005 }},
		{code: "few-eval-tokens", change: func(r *evidence.Run) { r.Data.EvalTokens = 900 }},
		{code: "not-finished", change: func(r *evidence.Run) { r.State = evidence.Stopped }},
		{code: "no-forecast", change: func(r *evidence.Run) { r.Forecasts, r.Gaps = nil, nil }},
		{code: "gpu-price-unknown", change: func(r *evidence.Run) { r.Environment.GPU = "Voodoo 2" }},
		{code: "other-size", stakes: func(s *advisor.Stakes) { s.TargetModelParams = 7e9 }},
		{code: "beyond-at-risk", change: func(r *evidence.Run) { r.Gaps[0].AtBest = advisortest.Normal(0.9, 0.1) },
			stakes: func(s *advisor.Stakes) { s.AtRiskUSD = 1e6 }},
		{code: "early-lead", change: func(r *evidence.Run) {
			r.Gaps[0].AtBest = advisortest.Normal(0.2, 0.05)
			r.Trials[1].Outcome.EvalLoss[4].Loss -= 0.1
		}},
		{code: "full-does-not-fit", change: func(r *evidence.Run) {
			r.Trials[0].Outcome = evidence.Outcome{Status: evidence.DoesNotFit}
			r.Forecasts, r.Gaps = r.Forecasts[1:], nil
		}},
	}
	for _, c := range cases {
		t.Run(c.code, func(t *testing.T) {
			run := advisortest.New().Run()
			if rec := recommend(t, run, nil); warned(rec, c.code) {
				t.Fatalf("warned without cause: %v", rec.Warnings)
			}
			if c.change != nil {
				c.change(run)
			}
			if rec := recommend(t, run, c.stakes); !warned(rec, c.code) {
				t.Errorf("warnings %v", rec.Warnings)
			}
		})
	}
}

// liar names full whatever the facts say.
type liar struct{}

func (liar) Decide(advisor.Features) (advisor.Verdict, error) {
	return advisor.Verdict{Answer: advisor.UseFull, Policy: "liar", Rule: "lie"}, nil
}

func TestDeciderCannotNameWhatDoesNotFit(t *testing.T) {
	c := advisortest.New()
	c.FullStatus = evidence.DoesNotFit
	_, err := advisor.Recommend(c.Run(), advisor.DefaultStakes(), nil, liar{}, advisortest.Now())
	if err == nil || !strings.Contains(err.Error(), `policy liar: rule lie answers "full", which did not train or does not fit`) {
		t.Errorf("error %v", err)
	}
}
