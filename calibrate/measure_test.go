package calibrate_test

import (
	"context"
	"testing"

	"ftadvise/calibrate"
	"ftadvise/calibrate/enginetest"
	"ftadvise/calibrate/evidence"
)

// measured lists what was asked for, trial by trial.
func (b *bench) measured() map[string]calibrate.Measure {
	out := map[string]calibrate.Measure{}
	for _, g := range b.engine.Groups() {
		for _, s := range g.Segments {
			if s.Measure != nil {
				out[s.Trial.ID] = *s.Measure
			}
		}
	}
	return out
}

// TestMeasuredOnce: gradient and tokens by the first trial of full, the update at the
// end of its trunk; the time for it is part of no step and of no segment's cost.
func TestMeasuredOnce(t *testing.T) {
	script := enginetest.Trap()
	script.MeasureSeconds = 1.5
	b := newBench(t, script)
	run := b.done(t)
	trunk := only(t, run, evidence.StageProbe, full)
	fit := only(t, run, evidence.StageFit, full)
	asked := b.measured()
	if m := asked[fit.ID]; !m.Gradient || !m.Tokens || m.Update || m.Rank != 8 || m.Seconds != 3.6 {
		t.Errorf("the fit was asked for %+v", m)
	}
	if m := asked[trunk.ID]; m.Gradient || m.Tokens || !m.Update {
		t.Errorf("the trunk was asked for %+v", m)
	}
	if len(asked) != 2 {
		t.Errorf("asked of %d trials: %v", len(asked), asked)
	}
	d := run.Domain
	if d.GradientRank == nil || *d.GradientRank != 15 || d.UpdateRank == nil || *d.UpdateRank != 3 || d.UpdateStep != trunk.Outcome.Steps ||
		d.TokenLoss == nil || d.GeneralTokenLoss == nil || d.BeyondGeneral == nil || len(d.Layers) != 2 || d.LayersOf != 2 ||
		*d.EmbeddingGradShare != 0.08 || len(d.GradientTop) != 7 || len(d.UpdateTop) != 7 {
		t.Errorf("written down as %+v", d)
	}
	if o := fit.Outcome; o.MeasureSeconds != 1.5 || o.OverheadSeconds > 0.3 { // the general set is part of it
		t.Errorf("of the fit, %v s were measuring and %v s overhead", o.MeasureSeconds, o.OverheadSeconds)
	}
}

// TestMeasuredWithoutFull: LoRA alone has the losses by token told, and no gradient.
func TestMeasuredWithoutFull(t *testing.T) {
	b := newBench(t, enginetest.Trap())
	b.spec.Full = false
	run := b.done(t)
	if d := run.Domain; d.TokenLoss == nil || d.GradientRank != nil || d.UpdateRank != nil || len(d.Layers) != 0 {
		t.Errorf("written down as %+v", d)
	}
}

// TestNothingMeasuredOfRandomWeights: their losses and gradients mean nothing.
func TestNothingMeasuredOfRandomWeights(t *testing.T) {
	b := newBench(t, enginetest.Trap())
	b.spec.Model.RandomWeights = true
	if _, err := b.sit(context.Background()); err != nil {
		t.Fatal(err)
	}
	if asked := b.measured(); len(asked) != 0 {
		t.Errorf("asked for %v", asked)
	}
}
