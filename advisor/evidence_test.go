package advisor_test

import (
	"math"
	"strings"
	"testing"

	"ftadvise/advisor"
	"ftadvise/advisor/advisortest"
	"ftadvise/calibrate/evidence"
)

// Without forecasts the last losses at a common step stand in, and the interval is the
// wider the less of the horizon was seen.
func TestFallback(t *testing.T) {
	sd := func(seen int) float64 {
		c := advisortest.New()
		c.NoForecast, c.Seen, c.Gap = true, seen, 0.1
		rec := recommend(t, c.Run(), nil)
		if rec.Gap == nil || rec.Gap.Mean <= 0 {
			t.Fatalf("gap %+v", rec.Gap)
		}
		return rec.Gap.SD
	}
	if a, b, c := sd(100), sd(1000), sd(5000); !(a > b && b > c) || math.Abs(c-0.02) > 1e-9 {
		t.Errorf("spread %g at 100 steps, %g at 1000, %g at the horizon", a, b, c)
	}
}

func TestFallbackComparesAtACommonStep(t *testing.T) {
	c := advisortest.New()
	c.NoForecast = true
	run := c.Run()
	run.Trials[0].Outcome.EvalLoss = []evidence.Point{{Step: 0, Loss: 2}, {Step: 100, Loss: 1.8}, {Step: 400, Loss: 1.2}}
	run.Trials[1].Outcome.EvalLoss = []evidence.Point{{Step: 0, Loss: 2}, {Step: 100, Loss: 1.7}}
	if g := recommend(t, run, nil).Gap; math.Abs(g.Mean+0.1) > 1e-9 {
		t.Errorf("gap %g, want -0.1: the losses at step 100", g.Mean)
	}
}

func TestRegimes(t *testing.T) {
	for seen, want := range map[int]evidence.Regime{100: evidence.BudgetTooSmall, 2000: evidence.NeedsMore, 5000: evidence.Measured} {
		c := advisortest.New()
		c.NoForecast, c.Seen = true, seen
		if got := recommend(t, c.Run(), nil).Regime; got != want {
			t.Errorf("%d of 5000 steps: %s, want %s", seen, got, want)
		}
	}
}

// The furthest trial with the lowest loss stands for its method; a search trial only
// where no probe ran.
func TestRepresentative(t *testing.T) {
	c := advisortest.New()
	c.NoForecast = true
	run := c.Run()
	lower := run.Trials[0]
	lower.ID, lower.Stage, lower.LearningRate = "full-search", evidence.StageSearch, 9
	lower.Outcome.EvalLoss = []evidence.Point{{Step: 0, Loss: 2}, {Step: 500, Loss: 0.1}}
	run.Trials = append(run.Trials, lower)
	if o := option(t, recommend(t, run, nil), evidence.Full); o.LearningRate == 9 {
		t.Error("a search trial stands for full although a probe ran")
	}
	second := run.Trials[0]
	second.ID, second.LearningRate = "full-2", 7
	second.Outcome.EvalLoss = []evidence.Point{{Step: 0, Loss: 2}, {Step: 500, Loss: 1.3}}
	run.Trials[2] = second
	if o := option(t, recommend(t, run, nil), evidence.Full); o.LearningRate != 7 {
		t.Error("the probe with the lower loss does not stand for full")
	}
}

// The price of learning more falls out of the spread it removes.
func TestMoreEvidence(t *testing.T) {
	c := advisortest.New()
	c.GapSD, c.Seen = 0.1, 200
	unsure := recommend(t, c.Run(), func(s *advisor.Stakes) { s.USDPerNat = 1e5 }).More
	if unsure == nil || !unsure.Pays || unsure.WorthUSD < 100 || !strings.HasPrefix(unsure.Command, "ftadvise recommend --fresh --model acme/base --data data.jsonl --horizon 5000 ") {
		t.Fatalf("%+v", unsure)
	}
	stopped := c.Run()
	stopped.State = evidence.Stopped
	if on := recommend(t, stopped, nil).More; on == nil || on.Command != "ftadvise calibrate --resume 01case" || on.CostUSD >= unsure.CostUSD {
		t.Errorf("a run that was cut short goes on: %+v, anew costs %g", on, unsure.CostUSD)
	}
	c.Gap, c.GapSD = 1, 0.05
	if sure := recommend(t, c.Run(), nil).More; sure == nil || sure.Pays {
		t.Errorf("nothing is left to learn, yet %+v", sure)
	}
	c.Seen = c.Horizon
	if done := recommend(t, c.Run(), nil).More; done != nil {
		t.Errorf("the horizon was reached, yet %+v", done)
	}
}

// A larger target widens the gap's spread and says so; time and memory grow.
func TestTargetSize(t *testing.T) {
	c := advisortest.New()
	c.Gap = 0.05
	small := recommend(t, c.Run(), nil)
	large := recommend(t, c.Run(), func(s *advisor.Stakes) { s.TargetModelParams, s.MemoryBytes = 2e10, 1e15 })
	if !(large.Gap.SD > small.Gap.SD) || large.Gap.Mean != small.Gap.Mean {
		t.Errorf("gap %+v, then %+v", small.Gap, large.Gap)
	}
	a, b := option(t, small, evidence.Full), option(t, large, evidence.Full)
	if !near(b.StepSeconds, 10*a.StepSeconds) || !near(float64(b.Trainable), 10*float64(a.Trainable)) {
		t.Errorf("step %g s, then %g s", a.StepSeconds, b.StepSeconds)
	}
	// The states take 16 bytes a parameter (bf16 with fp32 master weights); what is left
	// of the measured 36 GiB grows with the power 2/3.
	if want := 16*2e10 + math.Pow(10, 2.0/3)*(36*advisortest.GiB-16*2e9); !near(float64(b.PeakBytes), want) {
		t.Errorf("peak %d, want %g", b.PeakBytes, want)
	}
	l := option(t, large, evidence.LoRA)
	before := 2*2e9 + 16*float64(24*2048*20*8)
	want := 2*2e10 + math.Pow(10, 2.0/3)*(16*float64(24*2048*20*8)+14*advisortest.GiB-before)
	if !near(float64(l.PeakBytes), want) {
		t.Errorf("LoRA's peak %d, want %g", l.PeakBytes, want)
	}
	if none := recommend(t, c.Run(), func(s *advisor.Stakes) { s.TargetModelParams = 2e11 }); none.Verdict.Answer != advisor.NothingFits {
		t.Errorf("200 B parameters on 80 GiB: %s", none.Verdict.Answer)
	}
}

func TestThirdAnswersNameARank(t *testing.T) {
	c := advisortest.New()
	c.Ranks, c.RankStep, c.Gap, c.GapSD = []int{8, 32}, 0.2, 0.19, 0.002
	rec := recommend(t, c.Run(), nil)
	if rec.Verdict.Answer != advisor.RaiseRank || rec.Verdict.Method.Rank != 32 || !rec.Options[0].Chosen || rec.Options[0].Method.Rank != 32 {
		t.Errorf("%s %s, first option %s", rec.Verdict.Answer, rec.Verdict.Method, rec.Options[0].Name)
	}
	if !strings.Contains(rec.Headline, "its rank raised to 32") {
		t.Error(rec.Headline)
	}
}

// TestAskedForStands: another adapter is named where it is better by more than what
// does not matter, and not where it is better by less.
func TestAskedForStands(t *testing.T) {
	for step, want := range map[float64]int{0.001: 8, 0.2: 32} {
		c := advisortest.New()
		c.Ranks, c.RankStep, c.Gap, c.GapSD = []int{8, 32}, step, -0.02, 0.002
		if rec := recommend(t, c.Run(), nil); rec.Verdict.Method.Rank != want || len(rec.Targets) > 0 {
			t.Errorf("better by %g nats: %s, want rank %d", step, rec.Verdict.Method, want)
		}
	}
}

// TestTargetsAreTheLimit: all linear layers went along beside the targets asked for, and
// do better.
func TestTargetsAreTheLimit(t *testing.T) {
	c := advisortest.New()
	c.Ranks, c.RankStep, c.Gap, c.GapSD = []int{8, 16}, 0.2, 0.19, 0.002
	run := c.Run()
	few, all := run.Setup.LoRA, run.Setup.LoRA
	few.Targets = "q_proj,v_proj"
	swap := func(m *evidence.Method) {
		switch {
		case m.Kind == evidence.LoRA && m.Rank == 8:
			*m = few
		case m.Kind == evidence.LoRA:
			*m = all
		}
	}
	run.Setup.LoRA = few
	for i := range run.Trials {
		swap(&run.Trials[i].Method)
	}
	for i := range run.Forecasts {
		swap(&run.Forecasts[i].Method)
	}
	for i := range run.Gaps {
		swap(&run.Gaps[i].LoRAMethod)
	}
	rec := recommend(t, run, nil)
	if rec.Verdict.Answer != advisor.UseLoRA || rec.Verdict.Method != all || !strings.HasPrefix(rec.Headline, "Use LoRA on all linear layers: lora(r=8)") {
		t.Errorf("%s: %s", rec.Verdict.Answer, rec.Headline)
	}
	if len(rec.Targets) != 1 || !strings.Contains(rec.Targets[0], "lora(r=8,q_proj,v_proj) 1.39 nats (asked for), full 1.2 nats") {
		t.Errorf("%q", rec.Targets)
	}
}

// TestArgumentsAskTheSameQuestion: what was said of horizon, batches and adapter goes into
// the command that is to be typed next.
func TestArgumentsAskTheSameQuestion(t *testing.T) {
	run := advisortest.New().Run()
	run.Setup.Seed = 7
	run.Setup.LoRA.Targets, run.Setup.LoRA.Alpha, run.Data.Validation = "q_proj,v_proj", 8, "held out's.jsonl"
	run.Plan = &evidence.Plan{}
	got := advisor.ShellWords(advisor.Arguments(run)...)
	want := `--model acme/base --data data.jsonl --validation 'held out'\''s.jsonl' --horizon 5000 --batch 16 --seq-length 1024 --seed 7 --lora-rank 8 --lora-alpha 8 --lora-targets q_proj,v_proj --lora-spares=false`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := advisor.ShellWords("plain/path.jsonl", "", "$(rm)"); got != "plain/path.jsonl '' '$(rm)'" {
		t.Error(got)
	}
	run.Setup, run.Plan = evidence.Setup{Model: run.Setup.Model, Seed: 1}, nil
	if got := advisor.ShellWords(advisor.Arguments(run)...); got != `--model acme/base --data data.jsonl --validation 'held out'\''s.jsonl'` {
		t.Error(got)
	}
}

// TestUnfitEvidenceGrowsNoBetter: more of what is unfit is not advised.
func TestUnfitEvidenceGrowsNoBetter(t *testing.T) {
	run := advisortest.New().Run()
	run.Data.LeakShare = 0.5
	if rec := recommend(t, run, nil); rec.Verdict.Answer != advisor.Unfit || strings.Contains(strings.Join(rec.Next, " "), "--fresh") {
		t.Errorf("%s: %q", rec.Verdict.Answer, rec.Next)
	}
}

func TestRankNeeded(t *testing.T) {
	for ratio, want := range map[float64]float64{0.5: 8, 1: 8, 1.5: 16, 3: 32, 8: 64} {
		c := advisortest.New()
		c.DemandBits, c.CapacityBits = 1e6*ratio, 1e6
		f, err := advisor.FeaturesOf(c.Run(), advisor.DefaultStakes())
		if err != nil {
			t.Fatal(err)
		}
		if f["rank_needed"] != want || !near(f["capacity_ratio"], ratio) {
			t.Errorf("demand %g times capacity needs rank %g, want %g", ratio, f["rank_needed"], want)
		}
	}
}

// Every fact is in the vocabulary, and an ample run yields most of it.
func TestFeaturesAndVocabularyAgree(t *testing.T) {
	known := map[string]bool{}
	for _, f := range advisor.Vocabulary() {
		if known[f.Name] {
			t.Errorf("%s is listed twice", f.Name)
		}
		known[f.Name] = true
		if f.Text == "" {
			t.Errorf("%s says nothing", f.Name)
		}
	}
	c := advisortest.New()
	c.Gap, c.DemandBits, c.CapacityBits = 0.05, 2e6, 1e6
	run := c.Run()
	run.Domain.TokenDivergence, run.Domain.EmbeddingGradShare = ptr(0.2), ptr(0.1)
	run.Domain.GradientRank, run.Domain.UpdateRank, run.Domain.BeyondGeneral = ptr(20.0), ptr(5.0), ptr(0.15)
	run.Domain.GradientTop = []evidence.RankShare{{Rank: 1, Share: 0.4}, {Rank: 8, Share: 0.7}, {Rank: 128, Share: 1}}
	run.Domain.UpdateTop = run.Domain.GradientTop
	s := advisor.DefaultStakes()
	s.RequestsPerMonth, s.DeadlineHours, s.BudgetUSD, s.USDPerRetrain, s.BaseChangesPerYear = 100, 5, 50, 0, 0
	f, err := advisor.FeaturesOf(run, s)
	if err != nil {
		t.Fatal(err)
	}
	for name := range f {
		if !known[name] {
			t.Errorf("%s is not in the vocabulary", name)
		}
	}
	for name := range known {
		if _, ok := f[name]; !ok {
			t.Errorf("%s is never set", name)
		}
	}
}
