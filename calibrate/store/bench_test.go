package store_test

import (
	"fmt"
	"testing"

	"ftadvise/calibrate/evidence"
)

// trials is a run of n trials with curves of 200 points.
func trials(n int) *evidence.Run {
	run := sample()
	var curve []evidence.Point
	for step := range 200 {
		curve = append(curve, evidence.Point{Step: step, Loss: 3 - float64(step)/100})
	}
	for i := range n {
		t := evidence.TrialResult{Trial: evidence.Trial{ID: fmt.Sprintf("trial-%d", i), LearningRate: 1e-4, Steps: 200}}
		t.Outcome = evidence.Outcome{Status: evidence.Completed, Steps: 200, EvalLoss: curve, TrainLoss: curve}
		run.Trials = append(run.Trials, t)
	}
	return run
}

// BenchmarkTrials shows that saving and loading a run are linear in its trials.
func BenchmarkTrials(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		run := trials(n)
		folder := create(b, open(b), run)
		b.Run(fmt.Sprintf("save-%d", n), func(b *testing.B) {
			for b.Loop() {
				if err := folder.Save(run); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("load-%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := folder.Load(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkList shows that listing is linear in runs.
func BenchmarkList(b *testing.B) {
	for _, n := range []int{10, 100} {
		s := open(b)
		for range n {
			if err := create(b, s, trials(3)).Close(); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if runs, _, err := s.List(); err != nil || len(runs) != n {
					b.Fatal(len(runs), err)
				}
			}
		})
	}
}
