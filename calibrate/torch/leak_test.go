package torch

import (
	"runtime"
	"testing"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/torch/shim"
)

// TestLongTrainingKeepsItsMemory trains 10,000 steps: what libtorch holds is the same to
// the byte after each, and the process does not grow. A handle lost in every step would
// show as 2 MB at the least.
func TestLongTrainingKeepsItsMemory(t *testing.T) {
	if testDevice() != "cpu" {
		t.Skip("the resident set says nothing of a GPU's memory")
	}
	const settled, steps, grown = 2000, 10_000, 1 << 20
	e := newEngine(t)
	group := parityTask(t, "llama-tied")
	group.MicroBatch, group.Threads = 1, 1
	lora := searchArm("lora", 2, 1e-4, 1)
	lora.ToStep, lora.EvalSteps = steps, nil
	group.Segments = []calibrate.Segment{lora}
	var first, last shim.Memory
	err := e.Train(t.Context(), group, func(event calibrate.Event) {
		switch x := event.(type) {
		case calibrate.StepDone:
			if x.Step == settled || x.Step == steps {
				runtime.GC()
				first = last
				last = memoryNow(t)
			}
		case calibrate.TrialEnded:
			if x.Status != evidence.Completed {
				t.Errorf("the trial ended %s: %s", x.Status, x.Reason)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if first.Allocated == 0 || last.Allocated != first.Allocated {
		t.Errorf("libtorch held %d bytes after %d steps and %d after %d", first.Allocated, settled, last.Allocated, steps)
	}
	if last.Reserved-first.Reserved > grown {
		t.Errorf("the process grew from %d to %d bytes between steps %d and %d", first.Reserved, last.Reserved, settled, steps)
	}
}

func memoryNow(t *testing.T) shim.Memory {
	t.Helper()
	m, err := shim.MemoryOf(shim.CPU)
	if err != nil {
		t.Error(err)
	}
	return m
}
