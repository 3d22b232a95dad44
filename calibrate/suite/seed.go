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
	for _, m := range w.Methods(w.unit) {
		if best, ok := first.best(m); ok {
			legs = append(legs, newLeg(m, best.LearningRate))
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

// best is the run of a method that ends lowest at a constant rate.
func (r Result) best(m evidence.Method) (Run, bool) {
	var out Run
	found := false
	for _, run := range r.Runs {
		if run.Method == m && run.finished() && (!found || run.last() < out.last()) {
			out, found = run, true
		}
	}
	return out, found
}
