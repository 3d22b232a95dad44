package advisor_test

import (
	"math"
	"strings"
	"testing"

	"ftadvise/advisor"
	"ftadvise/advisor/advisortest"
	"ftadvise/calibrate/evidence"
)

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-3*math.Max(math.Abs(a), math.Abs(b)) }

func TestTrainingAndRetraining(t *testing.T) {
	rec := recommend(t, advisortest.New().Run(), func(s *advisor.Stakes) {
		s.USDPerGPUHour, s.RetryShare, s.SweepRuns, s.Tasks, s.Months, s.BaseChangesPerYear, s.USDPerRetrain = 2, 0.5, 1, 3, 24, 2, 100
	})
	full, lora := option(t, rec, evidence.Full), option(t, rec, evidence.LoRA)
	if got := line(t, full, advisor.Training).USD.Mean; !near(got, 6*2.5*3*2) {
		t.Errorf("full trains for $%g, want 6 h x 2.5 runs x 3 tasks x $2 = $90", got)
	}
	if got := line(t, lora, advisor.Retraining).USD; !near(got.Mean, 4*(22.5+100)) || !near(got.SD, 2*(22.5+100)) {
		t.Errorf("LoRA re-trains for %+v, want 4 x $122.50 with a Poisson spread", got)
	}
	if got := line(t, full, advisor.Retraining); got.USD.Mean != 0 || !strings.Contains(got.Basis, "its own weights") {
		t.Errorf("full re-trains: %+v", got)
	}
	if got := line(t, full, advisor.Calibration).USD.Mean; !near(got, 300.0/3600*2) {
		t.Errorf("calibration was $%g", got)
	}
}

// An early best checkpoint shortens the training that is paid for, and is said.
func TestStopStep(t *testing.T) {
	run := advisortest.New().Run()
	run.Forecasts[0].BestStep = 1000
	full := option(t, recommend(t, run, nil), evidence.Full)
	if full.StopStep != 1000 || !near(full.TrainHours, 1.2) {
		t.Errorf("stop at %d after %g h, want step 1000 after 1.2 h", full.StopStep, full.TrainHours)
	}
}

// That an option is judged at its best checkpoint is said where the loss there is lower
// than the interval at the horizon.
func TestStopsEarly(t *testing.T) {
	for _, c := range []struct {
		name string
		step int
		gain float64
		want bool
	}{
		{"the last step is the best", 0, 0, false},
		{"a little better before the end", 1000, 0.01, false},
		{"overfits", 1000, 0.3, true},
	} {
		at := advisortest.New()
		at.BestStep, at.BestGain = c.step, c.gain
		rec := recommend(t, at.Run(), nil)
		if got := option(t, rec, evidence.Full).StopsEarly(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		if told := strings.Contains(section(rec, "When to stop"), "full: stop at about step 1000, its best checkpoint, where it is judged: 0.9 nats there"); told != c.want {
			t.Errorf("%s: %q", c.name, section(rec, "When to stop"))
		}
	}
}

// section is the text of one part of the explanation; empty where it has none.
func section(rec *advisor.Recommendation, title string) string {
	for _, s := range rec.Explain() {
		if s.Title == title {
			return strings.Join(s.Lines, "\n")
		}
	}
	return ""
}

// What is billed is every round of a calibration, also those that did not decide.
func TestEarlierRoundsAreBilled(t *testing.T) {
	run := advisortest.New().Run()
	calibration := func() advisor.Cost { return option(t, recommend(t, run, nil), evidence.Full).Costs[0] }
	one := calibration()
	run.EarlierSeconds = 2 * run.Seconds
	all := calibration()
	if one.Name != advisor.Calibration || !near(all.USD.Mean, 3*one.USD.Mean) || !strings.Contains(all.Basis, "shorter rounds") || strings.Contains(one.Basis, "rounds") {
		t.Errorf("%s: %g (%s), then %g (%s)", one.Name, one.USD.Mean, one.Basis, all.USD.Mean, all.Basis)
	}
}

func TestServing(t *testing.T) {
	c := advisortest.New()
	bytes := 4e9 / (80 * advisortest.GiB) // a copy's share of the card
	month := 2 * 730.5
	cases := []struct {
		name       string
		stakes     func(*advisor.Stakes)
		full, lora string
		fullUSD    float64
	}{
		{"one task", nil, "full copies", "merged copies", bytes * month * 12},
		{"twenty tasks", func(s *advisor.Stakes) { s.Tasks = 20 }, "full copies", "adapters on one base", 20 * bytes * month * 12},
		{"twenty tasks that are seldom asked", func(s *advisor.Stakes) { s.Tasks, s.RequestsPerMonth = 20, 10 },
			"full copies, swapped", "merged copies, swapped", 0},
		{"twenty busy tasks", func(s *advisor.Stakes) { s.Tasks, s.RequestsPerMonth, s.AdapterSlow = 20, 1e6, 0 },
			"full copies", "adapters on one base", 0},
		{"adapters only", func(s *advisor.Stakes) { s.AdapterServingOnly = true }, "full copies", "adapters on one base", 0},
	}
	for _, x := range cases {
		t.Run(x.name, func(t *testing.T) {
			rec := recommend(t, c.Run(), x.stakes)
			full, lora := option(t, rec, evidence.Full), option(t, rec, evidence.LoRA)
			if full.Serving != x.full || lora.Serving != x.lora {
				t.Errorf("full by %q, LoRA by %q", full.Serving, lora.Serving)
			}
			if got := line(t, full, advisor.Serving).USD.Mean; x.fullUSD > 0 && !near(got, x.fullUSD) {
				t.Errorf("full is served for $%g, want $%g", got, x.fullUSD)
			}
		})
	}
}

// Requests are priced by the forward third of full's training step, adapters slower.
func TestServingCompute(t *testing.T) {
	without := recommend(t, advisortest.New().Run(), nil)
	with := recommend(t, advisortest.New().Run(), func(s *advisor.Stakes) { s.RequestsPerMonth, s.TokensPerRequest = 1e6, 1000 })
	step := 6 * 3600.0 / 5000
	want := 12 * 1e9 * (step / 3 / (16 * 1024)) / 3600 * 2
	got := line(t, option(t, with, evidence.Full), advisor.Serving).USD.Mean - line(t, option(t, without, evidence.Full), advisor.Serving).USD.Mean
	if !near(got, want) {
		t.Errorf("a billion tokens a month cost $%g, want $%g", got, want)
	}
}

func TestWhatANatIsWorth(t *testing.T) {
	run := advisortest.New().Run() // loss 1.2: exp(-1.2) = 0.3012
	for _, c := range []struct {
		name   string
		change func(*advisor.Stakes)
		want   float64
		says   string
	}{
		{"nothing said", nil, advisor.AssumedUSDPerNat, "assumed"},
		{"a nat", func(s *advisor.Stakes) { s.USDPerNat = 5000 }, 5000, "as stated"},
		{"a point", func(s *advisor.Stakes) { s.USDPerPoint = 100 }, 3011.9, "100 x exp(-loss)"},
		{"errors", func(s *advisor.Stakes) { s.ErrorsPerMonth, s.USDPerError = 10, 20 }, 2400 * 0.30119 / 0.69881, "10 errors a month at $20.00 for 12 months"},
		{"at risk", func(s *advisor.Stakes) { s.AtRiskUSD = 5e6 }, 1e7, "$5,000,000 at risk over 0.5 nats"},
		{"all", func(s *advisor.Stakes) { s.USDPerNat, s.AtRiskUSD = 1, 1 }, 3, "plus"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rec := recommend(t, run, c.change)
			if got := rec.Features["usd_per_nat"]; !near(got, c.want) {
				t.Errorf("$%g, want $%g", got, c.want)
			}
			if a := rec.Assumptions[0]; !strings.Contains(a.Value, c.says) {
				t.Errorf("%+v", a)
			}
		})
	}
}

// TestMoneyBasis: that nobody said what a nat is worth stands in the headline and below
// the totals; what was said of it does too.
func TestMoneyBasis(t *testing.T) {
	c := advisortest.New()
	c.Gap = 0.2
	rec := recommend(t, c.Run(), nil)
	if !strings.Contains(rec.MoneyBasis(), "at $10,000, a default that nobody confirmed") || !strings.HasSuffix(rec.Headline, ", at an assumed $10,000 a nat") {
		t.Errorf("%s; %s", rec.Headline, rec.MoneyBasis())
	}
	rec = recommend(t, c.Run(), func(s *advisor.Stakes) { s.USDPerNat = 500 })
	if !strings.Contains(rec.MoneyBasis(), "at $500, by what was said") || strings.Contains(rec.Headline, "assumed") {
		t.Errorf("%s; %s", rec.Headline, rec.MoneyBasis())
	}
	c.FullStatus, c.LoRAStatus = evidence.DoesNotFit, evidence.DoesNotFit
	if basis := recommend(t, c.Run(), nil).MoneyBasis(); basis != "" {
		t.Errorf("nothing was priced: %s", basis)
	}
}

// Where accuracy was measured, its slope takes the place of the assumed one.
func TestMeasuredPoints(t *testing.T) {
	run := advisortest.New().Run()
	for i := range run.Trials {
		o := &run.Trials[i].Outcome
		for _, p := range o.EvalLoss {
			o.EvalAccuracy = append(o.EvalAccuracy, evidence.Point{Step: p.Step, Loss: 0.9 - 0.4*p.Loss})
		}
	}
	rec := recommend(t, run, func(s *advisor.Stakes) { s.USDPerPoint = 10 })
	if got := rec.Features["usd_per_nat"]; !near(got, 400) {
		t.Errorf("a nat is worth $%g, want 40 measured points x $10", got)
	}
}

func TestForgettingIsPriced(t *testing.T) {
	c := advisortest.New()
	c.Forgetting = 0.05
	free := option(t, recommend(t, c.Run(), nil), evidence.Full)
	if l := line(t, free, advisor.Forgetting); l.USD.Mean != 0 || !strings.Contains(l.Basis, "0.05 nats lost on general text, not priced") {
		t.Errorf("%+v", l)
	}
	priced := option(t, recommend(t, c.Run(), func(s *advisor.Stakes) { s.USDPerBaseNat = 1000 }), evidence.Full)
	if l := line(t, priced, advisor.Forgetting); !near(l.USD.Mean, 50) {
		t.Errorf("%+v", l)
	}
}

func TestRiskAversionChargesForSpread(t *testing.T) {
	rec := recommend(t, advisortest.New().Run(), func(s *advisor.Stakes) { s.RiskAversion = 2 })
	for _, o := range rec.Options {
		if l := line(t, o, advisor.Risk); !near(l.USD.Mean, 2*o.Total.SD) {
			t.Errorf("%s pays $%g for a spread of $%g", o.Name, l.USD.Mean, o.Total.SD)
		}
	}
}

func TestTotalIsTheSumOfTheLines(t *testing.T) {
	c := advisortest.New()
	c.Gap = 0.07
	for _, o := range recommend(t, c.Run(), func(s *advisor.Stakes) { s.RiskAversion, s.Tasks = 1, 4 }).Options {
		sum := 0.0
		for _, l := range o.Costs {
			sum += l.USD.Mean
		}
		if !near(sum, o.Total.Mean) {
			t.Errorf("%s: lines add up to $%g, total $%g", o.Name, sum, o.Total.Mean)
		}
	}
}

func TestDominated(t *testing.T) {
	c := advisortest.New()
	c.Gap, c.LoRAHours, c.LoRAGiB, c.Ranks = 0.05, 8, 40, []int{8} // slower, larger and worse
	lora := option(t, recommend(t, c.Run(), nil), evidence.LoRA)
	if !strings.HasPrefix(lora.Dominated, "full is expected to be no worse in loss, and is cheaper") {
		t.Errorf("LoRA fell because %q", lora.Dominated)
	}
	c = advisortest.New()
	c.Gap = 0.05
	for _, o := range recommend(t, c.Run(), nil).Options {
		if o.Dominated != "" {
			t.Errorf("%s fell: %s", o.Name, o.Dominated)
		}
	}
}
