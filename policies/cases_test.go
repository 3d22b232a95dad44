package policies_test

import (
	"strings"
	"testing"

	"ftadvise/advisor"
	"ftadvise/advisor/advisortest"
	"ftadvise/advisor/policy"
	"ftadvise/calibrate/evidence"
	"ftadvise/policies"
)

func load(t testing.TB, name string) *policy.Policy {
	t.Helper()
	p, err := policy.Load(name, policies.FS())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func recommend(t testing.TB, p advisor.Decider, c advisortest.Case, change func(*advisor.Stakes)) *advisor.Recommendation {
	t.Helper()
	s := advisor.DefaultStakes()
	if change != nil {
		change(&s)
	}
	rec, err := advisor.Recommend(c.Run(), s, nil, p, advisortest.Now())
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func tell(rec *advisor.Recommendation) string {
	var b strings.Builder
	for _, s := range rec.Explain() {
		b.WriteString(s.Title + "\n")
		for _, l := range s.Lines {
			b.WriteString("  " + l + "\n")
		}
	}
	return b.String()
}

// TestEssay holds the cases of a design review against built evidence, from the run to
// the verdict.
func TestEssay(t *testing.T) {
	cases := []struct {
		name   string
		policy string
		build  func(*advisortest.Case)
		stakes func(*advisor.Stakes)
		want   []advisor.Answer
		says   string
		flips  string
	}{
		{name: "internal code, two billion parameters, equal at step 100, long-lived", policy: "balanced",
			build:  func(c *advisortest.Case) { c.Narrowness, c.Seen, c.GapSD, c.NoForecast = 0.8, 100, 0, true },
			stakes: func(s *advisor.Stakes) { s.Months = 36 },
			want:   []advisor.Answer{advisor.UseFull, advisor.BudgetTooSmall}},
		{name: "the same with a forecast that leans to full", policy: "balanced",
			build:  func(c *advisortest.Case) { c.Narrowness, c.Gap, c.GapSD = 0.8, 0.06, 0.05 },
			stakes: func(s *advisor.Stakes) { s.Months = 36 },
			want:   []advisor.Answer{advisor.UseFull}},
		{name: "general code, equal at the end", policy: "balanced",
			build: func(c *advisortest.Case) { c.Narrowness, c.Gap, c.GapSD = 0.2, 0.001, 0.004 },
			stakes: func(s *advisor.Stakes) {
				s.BaseChangesPerYear = 0
			},
			want: []advisor.Answer{advisor.UseLoRA, advisor.Either}},
		{name: "500 dollars a month saved against five million at risk", policy: "balanced",
			build: func(c *advisortest.Case) { c.Gap, c.GapSD = 0.03, 0.015 },
			stakes: func(s *advisor.Stakes) {
				s.AtRiskUSD, s.Tasks = 5e6, 10
			},
			want: []advisor.Answer{advisor.UseFull}, says: "full"},
		{name: "full runs out of memory", policy: "balanced",
			build: func(c *advisortest.Case) { c.FullStatus = evidence.DoesNotFit; c.GPU, c.GPUGiB = "NVIDIA L4", 24 },
			want:  []advisor.Answer{advisor.UseLoRA}, says: "full does not fit into 24 GiB"},
		{name: "seventy billion on one card of 24 GB", policy: "balanced",
			build: func(c *advisortest.Case) {
				c.Params, c.FullStatus, c.LoRAStatus, c.GPU, c.GPUGiB = 70e9, evidence.DoesNotFit, evidence.DoesNotFit, "NVIDIA L4", 24
			},
			want: []advisor.Answer{advisor.NothingFits}, says: "four bits"},
		{name: "twenty tenants on one base", policy: "multi-tenant",
			build:  func(c *advisortest.Case) { c.Gap, c.GapSD = 0.02, 0.02 },
			stakes: func(s *advisor.Stakes) { s.Tasks = 20 },
			want:   []advisor.Answer{advisor.UseLoRA}},
		{name: "twenty tenants and a gap that pays", policy: "multi-tenant",
			build:  func(c *advisortest.Case) { c.Gap, c.GapSD = 0.4, 0.05 },
			stakes: func(s *advisor.Stakes) { s.Tasks, s.USDPerNat = 20, 200_000 },
			want:   []advisor.Answer{advisor.UseFull}},
		{name: "LoRA runs out of memory at long sequences", policy: "balanced",
			build: func(c *advisortest.Case) { c.LoRAStatus = evidence.DoesNotFit },
			want:  []advisor.Answer{advisor.UseFull}, says: "LoRA is out"},
		{name: "a small sibling was calibrated for a model that full does not fit", policy: "balanced",
			build:  func(c *advisortest.Case) { c.Gap, c.GapSD = 0.02, 0.01 },
			stakes: func(s *advisor.Stakes) { s.TargetModelParams = 8e9 },
			want:   []advisor.Answer{advisor.UseLoRA}, says: "full does not fit into 80 GiB"},
		{name: "quality is the hard constraint", policy: "balanced",
			build:  func(c *advisortest.Case) { c.Gap, c.GapSD = 0.03, 0.01 },
			stakes: func(s *advisor.Stakes) { s.QualityIsHard, s.Tasks, s.USDPerNat = true, 20, 100 },
			want:   []advisor.Answer{advisor.UseFull}},
		{name: "speed is the hard constraint", policy: "balanced",
			build:  func(c *advisortest.Case) { c.Gap, c.GapSD = 0.03, 0.01 },
			stakes: func(s *advisor.Stakes) { s.SpeedIsHard = true },
			want:   []advisor.Answer{advisor.UseLoRA}},
		{name: "a deadline that full misses", policy: "quality-first",
			build:  func(c *advisortest.Case) { c.Gap, c.GapSD = 0.1, 0.01 },
			stakes: func(s *advisor.Stakes) { s.DeadlineHours = 4 },
			want:   []advisor.Answer{advisor.UseLoRA}, flips: "full wins above 6 hours to train (now 4)"},
		{name: "a rank too low", policy: "balanced",
			build:  func(c *advisortest.Case) { c.Ranks, c.RankStep, c.Gap, c.GapSD = []int{8, 64}, 0.06, 0.062, 0.001 },
			stakes: func(s *advisor.Stakes) { s.Tasks = 3 },
			want:   []advisor.Answer{advisor.RaiseRank}, says: "64"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			at := advisortest.New()
			c.build(&at)
			rec := recommend(t, load(t, c.policy), at, c.stakes)
			t.Log("\n" + tell(rec))
			for _, w := range c.want {
				if rec.Verdict.Answer == w && strings.Contains(rec.Headline, c.says) && strings.Contains(tell(rec), c.flips) {
					return
				}
			}
			t.Errorf("%s (rule %s)", rec.Headline, rec.Verdict.Rule)
		})
	}
}

func BenchmarkRecommend(b *testing.B) {
	p := load(b, "balanced")
	c := advisortest.New()
	c.Gap, c.Ranks = 0.05, []int{8, 16, 64}
	run, s := c.Run(), advisor.DefaultStakes()
	for b.Loop() {
		rec, err := advisor.Recommend(run, s, nil, p, advisortest.Now())
		if err != nil {
			b.Fatal(err)
		}
		if len(rec.Explain()) == 0 {
			b.Fatal("nothing explained")
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	p := load(b, "balanced")
	c := advisortest.New()
	c.Gap = 0.05
	f, err := advisor.FeaturesOf(c.Run(), advisor.DefaultStakes())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := p.Decide(f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		load(b, "balanced")
	}
}
