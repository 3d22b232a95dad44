package suite

import (
	"context"
	"fmt"

	"ftadvise/calibrate/evidence"
)

// again trains each method at its best rate of the first seed, in other batches and from
// other initial values: no other rate and no decay. That is a fifth of the first seed's
// work. A best rate is a little better on the seed that chose it than on others.
func (w *work) again(ctx context.Context) error {
	var first Result
	ok, err := readJSON(w.Place().Unit(w.unit.first()), &first)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("train %s first, which finds the learning rates", w.unit.first().Name())
	}
	w.result.Base, w.result.BaseGeneral = first.Base, first.BaseGeneral
	var legs []*leg
	best := first.best()
	for _, m := range w.Methods(w.unit) {
		if run, ok := best[m]; ok {
			legs = append(legs, newLeg(m, run.LearningRate))
		}
	}
	if err := w.advance(ctx, legs, w.HorizonSteps, w.constant()); err != nil {
		return err
	}
	for _, g := range legs {
		w.keep(g, w.constant())
	}
	return nil
}

// best are the runs that end lowest at a constant rate, by method.
func (r Result) best() map[evidence.Method]Run {
	out := map[evidence.Method]Run{}
	for _, run := range r.Runs {
		if known, ok := out[run.Method]; run.finished() && (!ok || run.last() < known.last()) {
			out[run.Method] = run
		}
	}
	return out
}
