package calibrate_test

import (
	"context"
	"errors"
	"testing"

	"ftadvise/calibrate"
	"ftadvise/calibrate/enginetest"
	"ftadvise/calibrate/evidence"
)

func TestMemoryLadder(t *testing.T) {
	for _, c := range []struct {
		name          string
		fits          func(m evidence.Method) int // rows that fit; 0 none
		micro         int
		out, restored bool
	}{
		{"all fits", func(evidence.Method) int { return 8 }, 8, false, false},
		{"full fits at 2", func(m evidence.Method) int {
			if m == full {
				return 2
			}
			return 8
		}, 2, false, false},
		{"full never fits", func(m evidence.Method) int {
			if m == full {
				return 0
			}
			return 8
		}, 8, true, true},
		{"full never fits, LoRA at 4", func(m evidence.Method) int {
			if m == full {
				return 0
			}
			return 4
		}, 4, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			script := enginetest.Trap()
			script.OutOfMemory = func(tr evidence.Trial, micro, step int) bool { return step >= 1 && micro > c.fits(tr.Method) }
			b := newBench(t, script)
			run := b.done(t)
			if run.Setup.MicroBatch != c.micro || run.Setup.MicroBatch*run.Setup.Accumulation != 8 {
				t.Errorf("%d x %d rows", run.Setup.MicroBatch, run.Setup.Accumulation)
			}
			if warned(run, "micro-batch-halved") != (c.micro < 8 || c.out) || warned(run, "micro-batch-restored") != c.restored {
				t.Errorf("warnings %v", run.Warnings)
			}
			if hasStatus(run, evidence.DoesNotFit) != c.out {
				t.Errorf("does not fit: %v", !c.out)
			}
			probes := len(pick(run, evidence.StageProbe, full)) + len(pick(run, evidence.StageProbe, lora8))
			if want := map[bool]int{true: 1, false: 2}[c.out]; probes != want {
				t.Errorf("%d probes", probes)
			}
			if l := only(t, run, evidence.StageProbe, lora8); l.Outcome.MicroBatch != c.micro || l.Outcome.Status != evidence.Completed {
				t.Errorf("LoRA: %+v", l.Outcome.Status)
			}
		})
	}
}

func TestNothingFits(t *testing.T) {
	script := enginetest.Trap()
	script.OutOfMemory = func(evidence.Trial, int, int) bool { return true }
	run := newBench(t, script).done(t)
	if !warned(run, "nothing-fits") || run.Plan != nil {
		t.Errorf("warnings %v", run.Warnings)
	}
	for _, m := range []evidence.Method{full, lora8} {
		fits := pick(run, evidence.StageFit, m)
		if last := fits[len(fits)-1]; last.Outcome.Status != evidence.DoesNotFit {
			t.Errorf("%s: %s", m, last.Outcome.Status)
		}
	}
}

// TestMemoryRunsOutLate: the fit went well, but the probe needs more.
func TestMemoryRunsOutLate(t *testing.T) {
	script := enginetest.Trap()
	script.OutOfMemory = func(tr evidence.Trial, micro, step int) bool { return tr.Method == full && micro > 4 && step > 100 }
	run := newBench(t, script).done(t)
	if run.Setup.MicroBatch != 4 {
		t.Errorf("micro-batch %d", run.Setup.MicroBatch)
	}
	for _, m := range []evidence.Method{full, lora8} {
		r := only(t, run, evidence.StageProbe, m)
		if r.Outcome.Status != evidence.Completed || len(r.Outcome.TrainLoss) != run.Plan.ProbeSteps {
			t.Errorf("%s: %s, %d losses of %d", m, r.Outcome.Status, len(r.Outcome.TrainLoss), run.Plan.ProbeSteps)
		}
	}
}

func TestPeakOfAFreshProcessStands(t *testing.T) {
	run := newBench(t, enginetest.Trap()).done(t)
	fit, probe := only(t, run, evidence.StageFit, full), only(t, run, evidence.StageProbe, full)
	if probe.Outcome.PeakAllocatedBytes < fit.Outcome.PeakAllocatedBytes || fit.Outcome.PeakAllocatedBytes == 0 {
		t.Errorf("fit %d, probe %d", fit.Outcome.PeakAllocatedBytes, probe.Outcome.PeakAllocatedBytes)
	}
}

// TestKilledForMemory: the kernel kills the engine while full trains at more than two
// rows. Each sitting ends with that error, and the next goes on with fewer rows.
func TestKilledForMemory(t *testing.T) {
	for _, from := range []int{1, 60} { // in the fit, in the probe
		var bench *bench
		script := enginetest.Trap()
		script.Fail = func(tr evidence.Trial, step int) error {
			groups := bench.engine.Groups()
			if tr.Method == full && step >= from && groups[len(groups)-1].MicroBatch > 2 {
				return &calibrate.EngineError{What: calibrate.KilledForMemory}
			}
			return nil
		}
		bench = newBench(t, script)
		for range 2 {
			var dead *calibrate.EngineError
			if _, err := bench.sit(context.Background()); !errors.As(err, &dead) {
				t.Fatalf("from step %d: got %v", from, err)
			}
		}
		run := bench.done(t)
		if run.Setup.MicroBatch != 2 || only(t, run, evidence.StageProbe, full).Outcome.Status != evidence.Completed {
			t.Errorf("from step %d: %d rows", from, run.Setup.MicroBatch)
		}
	}
}
