package calibrate_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ftadvise/calibrate"
	"ftadvise/calibrate/enginetest"
	"ftadvise/calibrate/evidence"
)

func TestTheTrap(t *testing.T) {
	b := newBench(t, enginetest.Trap())
	run := b.done(t)
	f, l := only(t, run, evidence.StageProbe, full), only(t, run, evidence.StageProbe, lora8)
	if f.LearningRate != 1e-4 || l.LearningRate != 1e-3 {
		t.Errorf("rates %v and %v", f.LearningRate, l.LearningRate)
	}
	if f.Outcome.Steps != run.Plan.ProbeSteps || l.Outcome.Steps != f.Outcome.Steps || f.Outcome.Status != evidence.Completed {
		t.Errorf("full %d, LoRA %d steps of %d, %s", f.Outcome.Steps, l.Outcome.Steps, run.Plan.ProbeSteps, f.Outcome.Status)
	}
	early := func(r evidence.TrialResult) float64 {
		i := slices.IndexFunc(r.Outcome.EvalLoss, func(p evidence.Point) bool { return p.Step > 20 })
		return r.Outcome.EvalLoss[i].Loss
	}
	if !(early(l) < early(f)) {
		t.Errorf("LoRA does not lead early: %v and %v", early(l), early(f))
	}
	if len(run.Gaps) != 1 || !(run.Gaps[0].PFullBetter > 0.5) {
		t.Errorf("the forecast sees no trap: %+v", run.Gaps)
	}
	checkBudget(t, b, run)
	if _, err := os.Stat(filepath.Join(b.keeper.dir, "checkpoints")); !os.IsNotExist(err) {
		t.Errorf("checkpoints are left: %v", err)
	}
	if b.keeper.lines != b.watch.happened || b.watch.planned == 0 {
		t.Errorf("%d lines kept, %d events told, %d plans", b.keeper.lines, b.watch.happened, b.watch.planned)
	}
}

// checkBudget: the time is used well and not overrun by more than one step of each.
func checkBudget(t *testing.T, b *bench, run *evidence.Run) {
	t.Helper()
	budget := b.spec.Budget.Seconds()
	if run.Seconds > budget+1 {
		t.Errorf("took %v s of %v", run.Seconds, budget)
	}
	if run.Plan.ProbeSteps < b.spec.HorizonSteps && run.Seconds < 0.8*budget {
		t.Errorf("used %v s of %v", run.Seconds, budget)
	}
}

func TestCurvesAreWhole(t *testing.T) {
	run := newBench(t, enginetest.Trap()).done(t)
	for _, m := range []evidence.Method{full, lora8} {
		r := only(t, run, evidence.StageProbe, m)
		if first := r.Outcome.EvalLoss[0]; first.Step != 0 || first.Loss != 5 {
			t.Errorf("%s begins with %+v", m, first)
		}
		for i, p := range r.Outcome.TrainLoss {
			if p.Step != i+1 {
				t.Fatalf("%s: training loss %d is of step %d", m, i, p.Step)
			}
		}
		want := append([]int{0}, run.Plan.EvalSteps...)
		var got []int
		for _, p := range r.Outcome.EvalLoss {
			got = append(got, p.Step)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s evaluated at %v, planned %v", m, got, want)
		}
		if n := len(r.Outcome.GeneralLoss); n < 2 || r.Outcome.GeneralLoss[n-1].Step != r.Outcome.Steps {
			t.Errorf("%s: general losses %v of %d steps", m, r.Outcome.GeneralLoss, r.Outcome.Steps)
		}
		if o := r.Outcome; o.StepSeconds.N < 50 || !within(o.StepSeconds.Median, map[evidence.Kind]float64{evidence.Full: 0.1, evidence.LoRA: 0.07}[m.Kind], 1e-9) {
			t.Errorf("%s: step time %+v", m, o.StepSeconds)
		}
	}
}

func TestHorizonReached(t *testing.T) {
	b := newBench(t, enginetest.Trap())
	b.spec.HorizonSteps = 300
	b.spec.Budget = 0
	run := b.done(t)
	if run.Plan.ProbeSteps != 300 || only(t, run, evidence.StageProbe, full).Outcome.Steps != 300 {
		t.Errorf("plan %+v", run.Plan)
	}
	for _, f := range run.Forecasts {
		if f.SeenSteps != 300 {
			t.Errorf("saw %d steps", f.SeenSteps)
		}
	}
	for _, e := range b.keeper.events {
		if s, ok := e.(calibrate.StepDone); ok && s.Step > 300 {
			t.Fatalf("%s went to step %d", s.Trial, s.Step)
		}
	}
}

// TestSameBatches: whatever is trained, its batches are those of all others.
func TestSameBatches(t *testing.T) {
	script := enginetest.Trap()
	script.OutOfMemory = func(tr evidence.Trial, micro, step int) bool {
		return tr.Method == full && micro > 2 && step >= 1
	}
	b := newBench(t, script)
	b.spec.MicroBatch, b.spec.Accumulation = 6, 2
	run := b.done(t)
	for _, g := range b.engine.Groups() {
		if g.DataSeed != 7 || g.MicroBatch*g.Accumulation != 12 {
			t.Fatalf("a group of %d x %d rows, seed %d", g.MicroBatch, g.Accumulation, g.DataSeed)
		}
	}
	if run.Setup.MicroBatch != 1 && run.Setup.MicroBatch != 2 {
		t.Errorf("micro-batch %d", run.Setup.MicroBatch)
	}
}

func TestInterleaved(t *testing.T) {
	b := newBench(t, enginetest.Trap())
	b.done(t)
	shared := 0
	for _, g := range b.engine.Groups() {
		kinds := map[evidence.Kind]int{}
		for _, s := range g.Segments {
			kinds[s.Trial.Method.Kind]++
		}
		if g.Segments[0].Trial.Stage != evidence.StageFit && kinds[evidence.Full] == kinds[evidence.LoRA] {
			shared++
		}
	}
	if shared < 4 { // two rungs and two stops
		t.Errorf("%d groups hold both methods", shared)
	}
}

func TestRandomWeightsMeasureOnly(t *testing.T) {
	b := newBench(t, enginetest.Trap())
	b.spec.Model.RandomWeights = true
	run := b.done(t)
	if !warned(run, "random-weights") || len(run.Forecasts) != 0 {
		t.Errorf("warnings %v, forecasts %v", run.Warnings, run.Forecasts)
	}
	for _, r := range run.Trials {
		if r.Stage != evidence.StageFit || r.Outcome.StepSeconds.N == 0 || r.Outcome.PeakAllocatedBytes == 0 || len(r.Outcome.EvalLoss) != 0 {
			t.Errorf("%+v", r)
		}
	}
}

func TestEssay(t *testing.T) {
	for _, random := range []bool{false, true} {
		b := newBench(t, enginetest.Trap())
		b.spec.Preset, b.spec.HorizonSteps, b.spec.WarmupSteps = calibrate.PresetEssay, 30, 0
		b.spec.RateFull, b.spec.RateLoRA = 5e-5, 2e-4
		b.spec.Model.RandomWeights = random
		run := b.done(t)
		for _, m := range []evidence.Method{full, lora8} {
			r := only(t, run, evidence.StageEssay, m)
			if r.Outcome.Steps != 30 || r.Outcome.Status != evidence.Completed || r.Outcome.TrainableParams == 0 {
				t.Errorf("%+v", r.Outcome)
			}
		}
		if !warned(run, "thirty-steps") || warned(run, "random-weights") != random || (len(run.Forecasts) > 0) == random {
			t.Errorf("random %v: warnings %v, %d forecasts", random, run.Warnings, len(run.Forecasts))
		}
	}
}

func TestSeedsRepeatLoRAOnly(t *testing.T) {
	b := newBench(t, enginetest.Trap())
	b.spec.Seeds = 2
	run := b.done(t)
	if n := len(pick(run, evidence.StageProbe, full)); n != 1 {
		t.Errorf("%d full probes", n)
	}
	probes := pick(run, evidence.StageProbe, lora8)
	if len(probes) != 2 || probes[0].Seed == probes[1].Seed || probes[1].Outcome.Steps != run.Plan.ProbeSteps {
		t.Errorf("%d LoRA probes", len(probes))
	}
	checkBudget(t, b, run)
}

// TestASecondSeedWhereItMayTurn: where the number of seeds is left open, the best LoRA is
// repeated if the arms reach the horizon, end close and the time pays for it.
func TestASecondSeedWhereItMayTurn(t *testing.T) {
	for name, tt := range map[string]struct {
		script  enginetest.Script
		seeds   int
		horizon int
		probes  int
	}{
		"close": {enginetest.Tie(), 0, 300, 2}, "far apart": {enginetest.Trap(), 0, 300, 1},
		"no time": {enginetest.Tie(), 0, 2000, 1}, "one asked for": {enginetest.Tie(), 1, 300, 1},
	} {
		b := newBench(t, tt.script)
		b.spec.Seeds, b.spec.HorizonSteps = tt.seeds, tt.horizon
		run := b.done(t)
		probes := pick(run, evidence.StageProbe, lora8)
		if len(probes) != tt.probes || len(pick(run, evidence.StageProbe, full)) != 1 {
			t.Errorf("%s: %d LoRA probes", name, len(probes))
			continue
		}
		if last := probes[len(probes)-1]; last.Outcome.Steps != run.Plan.ProbeSteps || last.Outcome.Status != evidence.Completed {
			t.Errorf("%s: %d steps, %s", name, last.Outcome.Steps, last.Outcome.Status)
		}
		checkBudget(t, b, run)
	}
}

func TestDomainIsFilled(t *testing.T) {
	run := newBench(t, enginetest.Trap()).done(t)
	d := run.Domain
	if d.BaseLoss == nil || *d.BaseLoss != 5 || d.BaseGeneralLoss == nil || *d.BaseGeneralLoss != 3 {
		t.Errorf("base losses %v, %v", d.BaseLoss, d.BaseGeneralLoss)
	}
	if d.UniformLoss == nil || !within(*d.UniformLoss, 6.238, 1e-3) {
		t.Errorf("uniform loss %v", d.UniformLoss)
	}
	if d.CapacityBits == nil || *d.CapacityBits != 2*8*4000 || d.DemandBits == nil || !(*d.DemandBits > 0) {
		t.Errorf("capacity %v, demand %v", d.CapacityBits, d.DemandBits)
	}
}

func TestWorseThanUniformIsADoubt(t *testing.T) {
	b := newBench(t, enginetest.Trap())
	b.spec.Model.Vocab = 20 // ln 20 is 3.0, the base model's loss is 5
	if run := b.done(t); !warned(run, "worse-than-uniform") {
		t.Errorf("warnings %v", run.Warnings)
	}
}
