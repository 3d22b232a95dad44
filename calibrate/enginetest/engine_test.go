package enginetest_test

import (
	"testing"

	"ftadvise/calibrate"
	"ftadvise/calibrate/enginetest"
	"ftadvise/calibrate/evidence"
)

func TestScriptedEngineConforms(t *testing.T) {
	enginetest.Conformance(t, func(*testing.T) enginetest.Subject {
		return enginetest.Subject{
			Engine: enginetest.New(enginetest.Trap()),
			Group:  calibrate.Group{MicroBatch: 2, Accumulation: 1, DataSeed: 1},
			LoRA:   evidence.Method{Kind: evidence.LoRA, Rank: 8, Alpha: 16, Targets: evidence.AllLinear},
			Rate:   1e-4,
		}
	})
}

func TestTrapIsOne(t *testing.T) {
	script := enginetest.Trap()
	loss := func(m evidence.Method, rate float64, step int) float64 {
		return script.Loss(evidence.Trial{Method: m, LearningRate: rate}, step)
	}
	full, lora := evidence.Method{Kind: evidence.Full}, evidence.Method{Kind: evidence.LoRA, Rank: 8}
	for _, c := range []struct {
		step     int
		fullWins bool
	}{{30, false}, {2000, true}} {
		if got := loss(full, 1e-4, c.step) < loss(lora, 1e-3, c.step); got != c.fullWins {
			t.Errorf("step %d: full better is %v", c.step, got)
		}
	}
}
