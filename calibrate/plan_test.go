package calibrate_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ftadvise/calibrate"
	"ftadvise/calibrate/enginetest"
	"ftadvise/calibrate/evidence"
)

func costs(step, eval, segment float64) []calibrate.Cost {
	return []calibrate.Cost{
		{Method: full, StepSeconds: step, EvalSeconds: eval, SegmentSeconds: segment},
		{Method: lora8, StepSeconds: 0.7 * step, EvalSeconds: eval, SegmentSeconds: segment},
	}
}

// TestPlanLaws: what every plan keeps, whatever it is made of.
func TestPlanLaws(t *testing.T) {
	base := newBench(t, enginetest.Trap()).spec
	rapid.Check(t, func(t *rapid.T) {
		s := base
		s.HorizonSteps = rapid.IntRange(1, 20000).Draw(t, "horizon")
		s.SearchRates = rapid.IntRange(1, 7).Draw(t, "rates")
		s.Seeds = rapid.IntRange(1, 3).Draw(t, "seeds")
		s.WarmupSteps = rapid.IntRange(0, 100).Draw(t, "warmup")
		c := costs(rapid.Float64Range(1e-3, 10).Draw(t, "step"), rapid.Float64Range(0, 20).Draw(t, "eval"), rapid.Float64Range(0, 5).Draw(t, "segment"))
		seconds := rapid.Float64Range(1, 5000).Draw(t, "seconds")
		p, warnings := calibrate.NewPlan(s, c, seconds)
		if p.ProbeSteps < 1 || p.ProbeSteps > s.HorizonSteps {
			t.Fatalf("probe of %d steps, horizon %d", p.ProbeSteps, s.HorizonSteps)
		}
		if p.PredictedSeconds > seconds && len(warnings) == 0 {
			t.Fatalf("%v s of %v and no warning: %+v", p.PredictedSeconds, seconds, p)
		}
		for name, steps := range map[string][]int{"rungs": p.RungSteps, "evaluations": p.EvalSteps} {
			if !slices.IsSorted(steps) || len(steps) > 0 && (steps[0] < 1 || steps[len(steps)-1] > p.ProbeSteps) {
				t.Fatalf("%s %v of a probe of %d", name, steps, p.ProbeSteps)
			}
		}
		for _, step := range append([]int{p.ProbeSteps}, p.RungSteps...) {
			if !slices.Contains(p.EvalSteps, step) {
				t.Fatalf("step %d is compared but not evaluated: %v", step, p.EvalSteps)
			}
		}
		more, _ := calibrate.NewPlan(s, c, 4*seconds)
		if more.SearchRates == p.SearchRates && more.Seeds == p.Seeds && more.ProbeSteps < p.ProbeSteps {
			t.Fatalf("four times the budget: %d steps instead of %d", more.ProbeSteps, p.ProbeSteps)
		}
	})
}

func TestPlanByBudget(t *testing.T) {
	spec := newBench(t, enginetest.Trap()).spec
	for _, c := range []struct {
		budget          time.Duration
		rates           int
		atLeast, atMost int
		warned          bool
	}{
		{2 * time.Second, 1, 2, 20, true},
		{20 * time.Second, 1, 50, 110, false},
		{40 * time.Second, 3, 60, 150, false},
		{2 * time.Minute, 3, 250, 500, false},
		{time.Hour, 3, 2000, 2000, false},
		{0, 3, 2000, 2000, false},
	} {
		p, warnings := calibrate.NewPlan(spec, costs(0.1, 0.3, 0.05), c.budget.Seconds())
		if p.SearchRates != c.rates || p.ProbeSteps < c.atLeast || p.ProbeSteps > c.atMost || (len(warnings) > 0) != c.warned {
			t.Errorf("%s: %+v, %v", c.budget, p, warnings)
		}
	}
}

// TestPlanOfAShortHorizon: where even the whole training takes no time, nothing is left
// out.
func TestPlanOfAShortHorizon(t *testing.T) {
	spec := newBench(t, enginetest.Trap()).spec
	for _, horizon := range []int{4, 10, 12, 30} {
		spec.HorizonSteps = horizon
		if p, warnings := calibrate.NewPlan(spec, costs(0.1, 0.3, 0.05), 600); p.SearchRates != 3 || p.ProbeSteps != horizon || len(warnings) > 0 {
			t.Errorf("%d steps: %+v, %v", horizon, p, warnings)
		}
	}
}

func TestPreview(t *testing.T) {
	b := newBench(t, enginetest.Trap())
	run := b.done(t)
	for name, measured := range map[string][]calibrate.Cost{"guessed": costs(0.1, 0.4, 0), "measured": calibrate.CostsOf(run)} {
		p := calibrate.Preview(b.spec, measured)
		if p.Seconds > b.spec.Budget.Seconds() || p.Seconds < 0.5*b.spec.Budget.Seconds() {
			t.Errorf("%s: %v s of %v", name, p.Seconds, b.spec.Budget)
		}
		if low, high := run.Plan.ProbeSteps/2, run.Plan.ProbeSteps*3/2; p.Plan.ProbeSteps < low || p.Plan.ProbeSteps > high {
			t.Errorf("%s: %d steps foreseen, %d done", name, p.Plan.ProbeSteps, run.Plan.ProbeSteps)
		}
		for _, trial := range p.Trials {
			if !slices.ContainsFunc(run.Trials, func(r evidence.TrialResult) bool { return r.Stage == trial.Stage && r.Method == trial.Method }) {
				t.Errorf("%s: foreseen and not done: %+v", name, trial)
			}
		}
		if len(p.Trials) < 8 {
			t.Errorf("%s: %d trials", name, len(p.Trials))
		}
	}
	if got := calibrate.CostsOf(run); len(got) != 2 || !within(got[0].StepSeconds, 0.1, 1e-9) || !within(got[0].EvalSeconds, 0.2, 1e-9) || got[0].SegmentSeconds > 0.2 {
		t.Errorf("costs %+v", got)
	}
}

func TestPreviewOfPresets(t *testing.T) {
	spec := newBench(t, enginetest.Trap()).spec
	spec.Preset, spec.HorizonSteps = calibrate.PresetEssay, 30
	if p := calibrate.Preview(spec, costs(1, 1, 1)); p.Plan.ProbeSteps != 30 || len(p.Trials) != 4 || !(p.Seconds > 51) {
		t.Errorf("essay: %+v", p)
	}
	spec.Preset, spec.Model.RandomWeights = "", true
	if p := calibrate.Preview(spec, costs(1, 1, 1)); p.Plan.ProbeSteps != 0 || len(p.Trials) != 2 {
		t.Errorf("random weights: %+v", p)
	}
}
