package advisor_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"ftadvise/advisor"
	"ftadvise/advisor/advisortest"
	"ftadvise/calibrate/evidence"
)

// draw makes a case of any size, in which LoRA is not expected to be the better.
func draw(t *rapid.T) advisortest.Case {
	c := advisortest.New()
	c.Params = int64(rapid.Float64Range(1e6, 3e9).Draw(t, "params"))
	c.Seen = rapid.IntRange(50, 4000).Draw(t, "seen")
	c.FullHours = rapid.Float64Range(0.01, 50).Draw(t, "full hours")
	c.LoRAHours = c.FullHours * rapid.Float64Range(0.2, 1.5).Draw(t, "lora share")
	c.Gap = rapid.Float64Range(0, 0.3).Draw(t, "gap")
	c.GapSD = rapid.Float64Range(0, 0.2).Draw(t, "gap sd")
	c.Ranks = [][]int{{8}, {8, 32}, {4, 16, 64}}[rapid.IntRange(0, 2).Draw(t, "ranks")]
	c.RankStep = c.Gap / 4
	return c
}

func drawStakes(t *rapid.T) advisor.Stakes {
	s := advisor.DefaultStakes()
	s.USDPerNat = rapid.Float64Range(1, 1e6).Draw(t, "usd per nat")
	s.USDPerGPUHour = rapid.Float64Range(0.05, 20).Draw(t, "usd per hour")
	s.Months = rapid.Float64Range(1, 60).Draw(t, "months")
	s.Tasks = float64(rapid.IntRange(1, 50).Draw(t, "tasks"))
	s.BaseChangesPerYear = rapid.Float64Range(0, 6).Draw(t, "changes")
	s.RequestsPerMonth = rapid.Float64Range(0, 1e6).Draw(t, "requests")
	s.USDPerRetrain = rapid.Float64Range(0, 1000).Draw(t, "retrain")
	return s
}

func mustRecommend(t *rapid.T, run *evidence.Run, s advisor.Stakes) *advisor.Recommendation {
	rec, err := advisor.Recommend(run, s, nil, cheaper{}, advisortest.Now())
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// verdict decides without the search for flips, which the laws about answers do not need.
func verdict(t *rapid.T, run *evidence.Run, s advisor.Stakes) advisor.Verdict {
	f, err := advisor.FeaturesOf(run, s)
	if err != nil {
		t.Fatal(err)
	}
	v, err := cheaper{}.Decide(f)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Dearer accuracy loss never moves full to LoRA, where LoRA is not the better one.
func TestLawDearerAccuracy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		run, s := draw(t).Run(), drawStakes(t)
		before := verdict(t, run, s)
		s.USDPerNat *= rapid.Float64Range(1, 100).Draw(t, "dearer")
		after := verdict(t, run, s)
		if before.Answer == advisor.UseFull && after.Answer != advisor.UseFull {
			t.Fatalf("full became %s when a nat got dearer", after.Answer)
		}
	})
}

// Cheaper GPUs never move full to LoRA, where full is the one that uses more of them:
// its training costs more, and LoRA's re-trainings do not make up for it.
func TestLawCheaperGPU(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, s := draw(t), drawStakes(t)
		c.LoRAHours = c.FullHours * rapid.Float64Range(0.05, 0.9).Draw(t, "share")
		s.BaseChangesPerYear, s.AdapterSlow = 0, 0
		run := c.Run()
		before := verdict(t, run, s)
		s.USDPerGPUHour *= rapid.Float64Range(0.01, 1).Draw(t, "cheaper")
		after := verdict(t, run, s)
		if before.Answer == advisor.UseFull && after.Answer != advisor.UseFull {
			t.Fatalf("full became %s when the GPU got cheaper", after.Answer)
		}
	})
}

// More evidence with the same mean never lowers the winner's probability.
func TestLawMoreEvidence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, s := draw(t), drawStakes(t)
		before := verdict(t, c.Run(), s)
		c.GapSD *= rapid.Float64Range(0, 1).Draw(t, "narrower")
		after := verdict(t, c.Run(), s)
		if before.Answer != after.Answer {
			t.Fatalf("%s became %s by narrowing alone", before.Answer, after.Answer)
		}
		if after.Confidence < before.Confidence-1e-9 {
			t.Fatalf("confidence fell from %g to %g", before.Confidence, after.Confidence)
		}
	})
}

// The order of trials, forecasts and gaps is irrelevant.
func TestLawOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		run, s := draw(t).Run(), drawStakes(t)
		before := mustRecommend(t, run, s)
		other := *run
		other.Trials = rapid.Permutation(run.Trials).Draw(t, "trials")
		other.Forecasts = rapid.Permutation(run.Forecasts).Draw(t, "forecasts")
		other.Gaps = rapid.Permutation(run.Gaps).Draw(t, "gaps")
		after := mustRecommend(t, &other, s)
		if before.Headline != after.Headline || before.Confidence != after.Confidence || len(before.Flips) != len(after.Flips) {
			t.Fatalf("%q became %q", before.Headline, after.Headline)
		}
	})
}

// Units scale out: all dollars times k give the same answer and bills times k.
func TestLawDollarsScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		run, s := draw(t).Run(), drawStakes(t)
		before := mustRecommend(t, run, s)
		k := rapid.Float64Range(0.01, 100).Draw(t, "k")
		for _, v := range []*float64{&s.USDPerNat, &s.USDPerGPUHour, &s.USDPerGiBMonth, &s.USDPerRetrain} {
			*v *= k
		}
		after := mustRecommend(t, run, s)
		if before.Verdict.Answer != after.Verdict.Answer || math.Abs(before.Confidence-after.Confidence) > 1e-6 {
			t.Fatalf("%s (%g) became %s (%g)", before.Verdict.Answer, before.Confidence, after.Verdict.Answer, after.Confidence)
		}
		for i, o := range before.Options {
			if got, want := after.Options[i].Total.Mean, k*o.Total.Mean; math.Abs(got-want) > 1e-6*math.Abs(want) {
				t.Fatalf("%s: %g, want %g", o.Name, got, want)
			}
		}
	})
}

// Regret is never negative, the advised option's is the least, and the two regrets of
// a pair differ by the difference of their bills.
func TestLawRegret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw(t)
		c.Gap *= rapid.SampledFrom([]float64{1, -1}).Draw(t, "sign")
		rec := mustRecommend(t, c.Run(), drawStakes(t))
		chosen := rec.Options[0]
		if !chosen.Chosen {
			t.Fatalf("%s stands first", chosen.Name)
		}
		for _, o := range rec.Options {
			if o.RegretUSD < 0 || math.IsNaN(o.RegretUSD) {
				t.Fatalf("%s: regret %g", o.Name, o.RegretUSD)
			}
			if len(rec.Options) == 2 && chosen.RegretUSD > o.RegretUSD+1e-9 {
				t.Fatalf("advised %s with regret %g, %s has %g", chosen.Name, chosen.RegretUSD, o.Name, o.RegretUSD)
			}
		}
	})
}

// No output ever holds what JSON cannot, and every probability is one.
func TestLawFinite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw(t)
		c.NoForecast = rapid.Bool().Draw(t, "no forecast")
		s := drawStakes(t)
		s.TargetModelParams = rapid.SampledFrom([]float64{0, 1e6, 7e9, 7e10}).Draw(t, "target")
		s.RiskAversion = rapid.Float64Range(0, 3).Draw(t, "risk")
		rec := mustRecommend(t, c.Run(), s)
		for name, v := range rec.Features {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("%s is %g", name, v)
			}
		}
		for _, p := range []*float64{rec.PFullBetter, rec.PFullCheaper, &rec.Confidence} {
			if p != nil && (*p < 0 || *p > 1) {
				t.Fatalf("a probability of %g", *p)
			}
		}
	})
}
