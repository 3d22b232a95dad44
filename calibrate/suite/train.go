package suite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
)

// Trainer trains units by an engine.
type Trainer struct {
	Setting
	Engine calibrate.Engine
}

// Unit trains a unit of the first seed at its learning rates until each method's best lies
// between two others, then lets the best ones' rates decay over the last fifth. One of
// another seed trains at those best rates alone.
func (t Trainer) Unit(ctx context.Context, u Unit) (Result, error) {
	start := time.Now()
	scratch := t.Place().Scratch(u)
	defer func() { _ = os.RemoveAll(scratch) }() // what is left costs space alone
	w := &work{Trainer: t, unit: u, scratch: scratch}
	train := w.all
	if u.Seed != firstSeed {
		train = w.again
	}
	err := train(ctx)
	if err != nil {
		err = fmt.Errorf("%s: %w", u.Name(), err)
	}
	w.result.Seconds = round(time.Since(start).Seconds(), 4)
	return w.result, err
}

// work is a unit under way.
type work struct {
	Trainer
	unit    Unit
	scratch string
	result  Result
}

func (w *work) all(ctx context.Context) error {
	if err := w.base(ctx); err != nil {
		return err
	}
	ladders := w.ladders()
	legs := w.begin(ladders)
	if w.alone() {
		if err := w.advance(ctx, legs, w.CutSteps(), w.constant()); err != nil {
			return err
		}
		legs = ladders[0].window(w.CutSteps())
	}
	for len(legs) > 0 {
		if err := w.finish(ctx, legs); err != nil {
			return err
		}
		legs = nil
		for _, l := range ladders {
			legs = append(legs, l.next(w.HorizonSteps, w.fresh())...)
		}
	}
	for _, l := range ladders {
		for _, g := range l.legs {
			w.keep(g, w.constant())
		}
	}
	return w.decay(ctx, ladders)
}

// fresh is how many rates to add at once: adapters alone cost next to nothing in one pass.
func (w *work) fresh() int {
	if w.alone() {
		return 1
	}
	return 2
}

// alone reports whether the unit's arms train one after another, and so are cut early.
func (w *work) alone() bool { return w.unit.Kind == evidence.Full || w.unit.Whole != "" }

func (w *work) keep(g *leg, s evidence.Schedule) {
	w.result.Runs = append(w.result.Runs, g.run(s, w.HorizonSteps, w.result.BaseGeneral))
}

func (w *work) ladders() []*ladder {
	var out []*ladder
	for _, m := range w.Methods(w.unit) {
		n := w.LoRARates
		if w.alone() {
			n = w.FullRates
		}
		l := &ladder{method: m, spare: w.Widen}
		for _, rate := range grid(w.unit.Domain.RateShare*w.unit.Base.Centre(m), n) {
			l.legs = append(l.legs, newLeg(m, rate))
		}
		out = append(out, l)
	}
	return out
}

func (w *work) begin(ladders []*ladder) []*leg {
	var out []*leg
	for _, l := range ladders {
		out = append(out, l.legs...)
	}
	return out
}

// base evaluates the base model on the domain and on general text.
func (w *work) base(ctx context.Context) error {
	g := newLeg(evidence.Method{Kind: evidence.Full}, 1e-4)
	logs, err := w.train(ctx, []calibrate.Segment{{Trial: w.trial(g, w.constant()), EvalSteps: []int{0}, General: true}})
	if err != nil {
		return err
	}
	heard := logs[g.id()]
	if len(heard.eval) == 0 || len(heard.general) == 0 {
		return fmt.Errorf("the base has no loss on the domain or on general text")
	}
	w.result.Base, w.result.BaseGeneral = heard.eval[0].Loss, heard.general[0].Loss
	return nil
}

func (w *work) constant() evidence.Schedule {
	return evidence.Schedule{Shape: evidence.Constant, WarmupSteps: w.WarmupSteps}
}

// trial is of the search's stage, whose LoRA arms an engine may train in one pass.
func (w *work) trial(g *leg, s evidence.Schedule) evidence.Trial {
	return evidence.Trial{ID: g.id(), Stage: evidence.StageSearch, Method: g.method, LearningRate: g.rate, Schedule: s, Seed: w.unit.Seed, Steps: w.HorizonSteps}
}

// finish brings legs to the horizon, with a checkpoint where a decay may start.
func (w *work) finish(ctx context.Context, legs []*leg) error {
	if err := w.advance(ctx, legs, w.DecayStart(), w.constant()); err != nil {
		return err
	}
	return w.advance(ctx, legs, w.HorizonSteps, w.constant())
}

// advance trains those legs that have neither diverged nor come so far. General text is
// read on the last part alone: what was forgotten matters at the end.
func (w *work) advance(ctx context.Context, legs []*leg, to int, s evidence.Schedule) error {
	var segments []calibrate.Segment
	var going []*leg
	for _, g := range legs {
		if !g.open() || g.step >= to {
			continue
		}
		segment := calibrate.Segment{Trial: w.trial(g, s), FromStep: g.step, ToStep: to, EvalSteps: w.EvalSteps(), General: to == w.HorizonSteps}
		if g.step > 0 {
			segment.Load = w.checkpoint(g, g.step)
		}
		if to < w.HorizonSteps {
			segment.Save = w.checkpoint(g, to)
		}
		segments, going = append(segments, segment), append(going, g)
	}
	logs, err := w.train(ctx, segments)
	if err != nil {
		return err
	}
	for _, g := range going {
		g.log, g.step = g.log.then(logs[g.id()]), to
	}
	return nil
}

// decay branches off the trunk of each method's best rate.
func (w *work) decay(ctx context.Context, ladders []*ladder) error {
	schedule := w.constant()
	schedule.Shape, schedule.DecayStart, schedule.TotalSteps = evidence.Linear, w.DecayStart(), w.HorizonSteps
	var branches []*leg
	for _, l := range ladders {
		at := l.best(w.HorizonSteps)
		if at < 0 {
			continue
		}
		g := *l.legs[at]
		g.step = w.DecayStart()
		g.log.eval = slices.DeleteFunc(slices.Clone(g.log.eval), func(p evidence.Point) bool { return p.Step > g.step })
		branches = append(branches, &g)
	}
	if err := w.advance(ctx, branches, w.HorizonSteps, schedule); err != nil {
		return err
	}
	for _, g := range branches {
		w.keep(g, schedule)
	}
	return nil
}

func (w *work) checkpoint(g *leg, step int) string {
	return filepath.Join(w.scratch, fmt.Sprintf("%s-%d", g.id(), step))
}

func (w *work) train(ctx context.Context, segments []calibrate.Segment) (map[string]log, error) {
	logs := map[string]log{}
	if len(segments) == 0 {
		return logs, nil
	}
	err := w.Engine.Train(ctx, w.group(segments), func(e calibrate.Event) { hear(logs, e) })
	return logs, err
}

func (w *work) group(segments []calibrate.Segment) calibrate.Group {
	p := w.Place()
	return calibrate.Group{
		ModelDir: p.Model(w.unit.Base), PackPath: p.Pack(w.unit.Base, w.unit.Domain), Device: w.Device, Precision: w.Precision, Threads: w.Threads,
		MicroBatch: w.Rows, Accumulation: 1, DataSeed: w.unit.Seed, Segments: segments,
		Optimizer: evidence.Optimizer{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, ClipNorm: 1},
	}
}
