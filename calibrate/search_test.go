package calibrate_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/enginetest"
	"ftadvise/calibrate/evidence"
)

// TestSearchFindsTheRate: the prior is off by up to thirty times either way, and the
// search still ends within a factor of two of the best.
func TestSearchFindsTheRate(t *testing.T) {
	for _, c := range []struct {
		prior, best float64
		rates       int
		edge        bool
	}{
		{1e-4, 1e-4, 3, false},
		{1e-4, 2e-4, 3, false},
		{1e-4, 8e-4, 3, false},
		{1e-4, 1e-5, 3, false},
		{1e-4, 2e-3, 3, false},
		{1e-4, 4e-6, 3, false},
		{1e-4, 3e-4, 5, false},
		{1e-4, 1e-6, 3, true}, // out of reach, and said so
		{1e-4, 3e-5, 2, false},
	} {
		curve := enginetest.Curve{Base: 5, Floor: 2, Tau: 60, Power: 0.7, BestRate: c.best}
		lora := curve
		lora.BestRate = 1e-3
		b := newBench(t, enginetest.Of(curve, lora))
		b.spec.RateFull, b.spec.SearchRates = c.prior, c.rates
		run := b.done(t)
		got := only(t, run, evidence.StageProbe, full).LearningRate
		if ratio := got / c.best; !c.edge && (ratio > 2 || ratio < 0.5) {
			t.Errorf("best %v: found %v from %v", c.best, got, c.prior)
		}
		if warned(run, "rate-at-edge") != c.edge {
			t.Errorf("best %v: warnings %v", c.best, run.Warnings)
		}
		for _, r := range pick(run, evidence.StageSearch, full) {
			if s := r.Outcome.Status; s != evidence.Dropped && s != evidence.Diverged {
				t.Errorf("best %v: %s is %s", c.best, r.ID, s)
			}
		}
	}
}

func TestSingleRateTakesThePrior(t *testing.T) {
	b := newBench(t, enginetest.Trap())
	b.spec.SearchRates = 1
	run := b.done(t)
	if n := len(pick(run, evidence.StageSearch, full)); n != 0 {
		t.Errorf("%d trials of a search", n)
	}
	if r := only(t, run, evidence.StageProbe, full); r.LearningRate != 1e-4 || r.Outcome.Steps != run.Plan.ProbeSteps {
		t.Errorf("%+v", r.Trial)
	}
}

func TestDivergence(t *testing.T) {
	script := enginetest.Trap()
	script.Diverges = func(tr evidence.Trial, step int) bool { return tr.Method == full && step >= 3 }
	run := newBench(t, script).done(t)
	if !warned(run, "arm-diverged") {
		t.Errorf("warnings %v", run.Warnings)
	}
	for _, r := range run.Trials {
		if r.Method == full && r.Outcome.Status != evidence.Diverged {
			t.Errorf("%s is %s", r.ID, r.Outcome.Status)
		}
	}
	if l := only(t, run, evidence.StageProbe, lora8); l.Outcome.Status != evidence.Completed {
		t.Errorf("LoRA is %s", l.Outcome.Status)
	}
}

func TestDivergenceInTheProbe(t *testing.T) {
	script := enginetest.Trap()
	script.Diverges = func(tr evidence.Trial, step int) bool { return tr.Method == full && step >= 200 }
	run := newBench(t, script).done(t)
	f := only(t, run, evidence.StageProbe, full)
	if f.Outcome.Status != evidence.Diverged || len(f.Outcome.EvalLoss) < 5 || f.Outcome.Reason == "" {
		t.Errorf("%s after %d evaluations: %s", f.Outcome.Status, len(f.Outcome.EvalLoss), f.Outcome.Reason)
	}
	if l := only(t, run, evidence.StageProbe, lora8); l.Outcome.Steps != run.Plan.ProbeSteps {
		t.Errorf("LoRA came to %d of %d", l.Outcome.Steps, run.Plan.ProbeSteps)
	}
}

// TestBudgetIsKept: whatever the budget, it is not overrun, and the run ends.
func TestBudgetIsKept(t *testing.T) {
	for _, budget := range []time.Duration{time.Second, 3 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 10 * time.Minute} {
		b := newBench(t, enginetest.Trap())
		b.spec.Budget = budget
		run := b.done(t)
		if run.Seconds > budget.Seconds()+1 {
			t.Errorf("%s: took %.1f s", budget, run.Seconds)
		}
		if short := budget < 20*time.Second; warned(run, "budget-too-small") != short {
			t.Errorf("%s: warnings %v", budget, run.Warnings)
		}
		for _, r := range run.Trials {
			if s := r.Outcome.Status; !s.Finished() {
				t.Errorf("%s: %s is %s", budget, r.ID, s)
			}
		}
	}
}

// TestSlowerThanMeasured: the machine slows down after the fit; the plan shrinks for
// both alike and the budget holds.
func TestSlowerThanMeasured(t *testing.T) {
	for _, factor := range []float64{1.5, 3, 10} {
		script := enginetest.Trap()
		step := script.StepSeconds
		calls := 0
		script.StepSeconds = func(m evidence.Method, micro, accumulation int) float64 {
			if calls++; calls > 8 {
				return factor * step(m, micro, accumulation)
			}
			return step(m, micro, accumulation)
		}
		b := newBench(t, script)
		run := b.done(t)
		if budget := b.spec.Budget.Seconds(); run.Seconds > budget+2*factor || run.Seconds < 0.75*budget {
			t.Errorf("x%v: took %.1f s of %v", factor, run.Seconds, budget)
		}
		f, l := only(t, run, evidence.StageProbe, full), only(t, run, evidence.StageProbe, lora8)
		if f.Outcome.Steps != l.Outcome.Steps && !warned(run, "cut-by-budget") {
			t.Errorf("x%v: %d and %d steps", factor, f.Outcome.Steps, l.Outcome.Steps)
		}
	}
}

// TestDeadlineInTheEngine: a step that suddenly takes for ever is cut by the engine.
func TestDeadlineInTheEngine(t *testing.T) {
	script := enginetest.Trap()
	step := script.StepSeconds
	calls := 0
	script.StepSeconds = func(m evidence.Method, micro, accumulation int) float64 {
		if calls++; calls > 300 {
			return 20
		}
		return step(m, micro, accumulation)
	}
	b := newBench(t, script)
	run := b.done(t)
	if run.Seconds > b.spec.Budget.Seconds()+60 || !warned(run, "cut-by-budget") || !hasStatus(run, evidence.CutByBudget) {
		t.Errorf("took %.1f s, warnings %v", run.Seconds, run.Warnings)
	}
}

func TestEnvironmentErrorIsResumable(t *testing.T) {
	b := newBench(t, enginetest.Trap())
	b.script.Fail = once(50, &calibrate.EnvironmentError{What: "the GPU is lost"})
	run, err := b.sit(context.Background())
	var env *calibrate.EnvironmentError
	if !errors.As(err, &env) || run.State != evidence.Stopped {
		t.Errorf("got %v, state %s", err, run.State)
	}
	b.done(t)
}

// TestBusyWhilePlanning: another program takes the machine during the first steps;
// the run still uses its budget.
func TestBusyWhilePlanning(t *testing.T) {
	quiet := newBench(t, enginetest.Trap()).done(t)
	for _, busy := range []int{5, 12, 20} {
		script := enginetest.Trap()
		step := script.StepSeconds
		calls := 0
		script.StepSeconds = func(m evidence.Method, micro, accumulation int) float64 {
			if calls++; calls <= busy {
				return 4
			}
			return step(m, micro, accumulation)
		}
		b := newBench(t, script)
		run := b.done(t)
		if run.Plan.ProbeSteps < quiet.Plan.ProbeSteps/4 {
			t.Errorf("busy for %d steps: a probe of %d steps, undisturbed %d", busy, run.Plan.ProbeSteps, quiet.Plan.ProbeSteps)
		}
		if !warned(run, "unsteady-times") && busy == 5 {
			t.Errorf("busy for %d steps: warnings %v", busy, run.Warnings)
		}
		checkBudget(t, b, run)
	}
}

// sideBySide is an engine that trains the LoRA rates of a group in one pass, as far as
// its events tell: all of them start, then all train, then all end.
type sideBySide struct{ *enginetest.Engine }

func (e sideBySide) Train(ctx context.Context, g calibrate.Group, observe func(calibrate.Event)) error {
	shares := func(id string) bool {
		return slices.ContainsFunc(g.Segments, func(s calibrate.Segment) bool {
			return s.Trial.ID == id && s.Trial.Stage == evidence.StageSearch && s.Trial.Method.Kind == evidence.LoRA
		})
	}
	var starts, middle, ends []calibrate.Event
	err := e.Engine.Train(ctx, g, func(ev calibrate.Event) {
		switch x := ev.(type) {
		case calibrate.TrialStarted:
			if shares(x.Trial) {
				starts = append(starts, ev)
				return
			}
		case calibrate.StepDone:
			if shares(x.Trial) {
				middle = append(middle, ev)
				return
			}
		case calibrate.EvalDone:
			if shares(x.Trial) {
				middle = append(middle, ev)
				return
			}
		case calibrate.TrialEnded:
			if shares(x.Trial) {
				ends = append(ends, ev)
				return
			}
		}
		observe(ev)
	})
	for _, ev := range slices.Concat(starts, middle, ends) {
		observe(ev)
	}
	return err
}

func TestRatesTrainedInOnePass(t *testing.T) {
	b := newBench(t, enginetest.Trap())
	run, err := calibrate.RunAt(context.Background(), b.spec, sideBySide{enginetest.New(b.script)}, b.keeper, b.watch, b.clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range pick(run, evidence.StageSearch, lora8) {
		if r.Outcome.StepSeconds.N != 0 || len(r.Outcome.EvalLoss) < 2 {
			t.Errorf("%s shared its steps and has %d step times, %d losses", r.ID, r.Outcome.StepSeconds.N, len(r.Outcome.EvalLoss))
		}
	}
	if l := only(t, run, evidence.StageProbe, lora8); l.Outcome.StepSeconds.N == 0 || l.Outcome.Steps != run.Plan.ProbeSteps {
		t.Errorf("LoRA: %+v", l.Outcome.StepSeconds)
	}
	checkBudget(t, b, run)
}
