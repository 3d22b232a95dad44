package calibrate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"ftadvise/calibrate/evidence"
)

// recorder turns the events of one group into outcomes. What a segment tells is
// held back until its end: a segment that an engine takes with it leaves no trace in
// the run, and is told again in full when it is done again.
type recorder struct {
	c       *calibration
	from    map[string]int // trial ID to the step that the segment starts from
	to      map[string]int // and to its last
	saves   map[string]string
	pending map[string]*evidence.Outcome
	steps   map[string]float64 // seconds in steps, the first ones too
	coldest map[string]float64 // the fastest step, for segments without a warm one
	lost    map[string]bool    // a held-out loss was not finite, though the steps were
	told    map[string]bool    // ended
	shared  map[string]bool    // trained in one pass with others
	facts   map[string][]fact  // measured on the way
	since   time.Time          // the last segment's end
	short   string             // what an engine left undone that it called completed
	stop    context.CancelFunc
	err     error // the first failure to write
}

func (c *calibration) newRecorder(g Group, stop context.CancelFunc) *recorder {
	r := &recorder{c: c, from: map[string]int{}, to: map[string]int{}, saves: map[string]string{}, pending: map[string]*evidence.Outcome{},
		steps: map[string]float64{}, coldest: map[string]float64{}, lost: map[string]bool{}, told: map[string]bool{}, shared: map[string]bool{}, facts: map[string][]fact{}, since: c.now(), stop: stop}
	for _, s := range g.Segments {
		r.from[s.Trial.ID], r.to[s.Trial.ID] = s.FromStep, s.ToStep
		r.saves[s.Trial.ID] = s.Save
	}
	return r
}

// observe records one event, keeps it and passes it on.
func (r *recorder) observe(e Event) {
	line, err := EncodeEvent(e)
	if err == nil {
		err = r.c.keeper.AppendEvent(line)
	}
	r.failed(err)
	r.take(e)
	if r.c.obs != nil {
		r.c.obs.Happened(e)
	}
}

// failed keeps the first failure to write and ends the training: to go on without a
// record would be to train for nothing.
func (r *recorder) failed(err error) {
	if err != nil && r.err == nil {
		r.err = err
		r.stop()
	}
}

func (r *recorder) take(e Event) {
	switch e := e.(type) {
	case TrialStarted:
		r.pending[e.Trial] = &evidence.Outcome{TrainableParams: e.TrainableParams, TotalParams: e.TotalParams,
			MicroBatch: e.MicroBatch, Accumulation: e.Accumulation}
		r.share()
	case StepDone:
		if o := r.pending[e.Trial]; o != nil {
			r.step(o, e)
		}
	case EvalDone:
		if o := r.pending[e.Trial]; o != nil {
			if e.Set == SetHeldOut { // the general set's time is the segment's, once each
				o.EvalSeconds += e.Seconds / float64(len(r.pending))
			}
			evaluated(o, e)
			r.lost[e.Trial] = r.lost[e.Trial] || (e.Set == SetHeldOut && finite(e.Loss) == nil)
		}
	case MemoryMeasured:
		if o := r.pending[e.Trial]; o != nil && !r.shared[e.Trial] {
			o.PeakAllocatedBytes = max(o.PeakAllocatedBytes, e.PeakAllocatedBytes)
			o.PeakReservedBytes = max(o.PeakReservedBytes, e.PeakReservedBytes)
		}
	case SpectrumMeasured:
		if o := r.pending[e.Trial]; o != nil {
			o.MeasureSeconds += e.Seconds
			r.facts[e.Trial] = append(r.facts[e.Trial], e)
		}
	case TokensMeasured:
		r.facts[e.Trial] = append(r.facts[e.Trial], e)
	case TrialEnded:
		r.ended(e)
	}
}

// fact is a measurement of the data or the weights rather than of the trial.
type fact interface {
	Into(d *evidence.Domain)
}

// share notes which trials are under way together: an engine may train several arms
// in one pass. Their losses are their own, their step time and memory nobody's.
func (r *recorder) share() {
	for id := range r.pending {
		r.shared[id] = r.shared[id] || len(r.pending) > 1
	}
}

func (r *recorder) step(o *evidence.Outcome, e StepDone) {
	o.TrainLoss = appendFinite(o.TrainLoss, e.Step, e.Loss)
	o.GradNorm = appendFinite(o.GradNorm, e.Step, e.GradNorm)
	r.steps[e.Trial] += e.Seconds / float64(len(r.pending))
	if r.shared[e.Trial] {
		return
	}
	if e.Warm {
		o.StepTimes = append(o.StepTimes, e.Seconds)
	}
	if fastest, ok := r.coldest[e.Trial]; !ok || e.Seconds < fastest {
		r.coldest[e.Trial] = e.Seconds
	}
}

func evaluated(o *evidence.Outcome, e EvalDone) {
	if e.Set == SetGeneral {
		o.GeneralLoss = appendFinite(o.GeneralLoss, e.Step, e.Loss)
		return
	}
	o.EvalLoss = appendFinite(o.EvalLoss, e.Step, e.Loss)
	if e.Accuracy != nil {
		o.EvalAccuracy = appendFinite(o.EvalAccuracy, e.Step, *e.Accuracy)
	}
}

// appendFinite leaves out what no curve can hold; that a trial diverged its status says.
func appendFinite(points []evidence.Point, step int, value float64) []evidence.Point {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return points
	}
	return append(points, evidence.Point{Step: step, Loss: value})
}

// ended commits a segment. One may end before it has started, where not even the weights
// found room.
func (r *recorder) ended(e TrialEnded) {
	t, o := r.c.trial(e.Trial), r.pending[e.Trial]
	if _, mine := r.from[e.Trial]; mine && o == nil && !r.told[e.Trial] {
		o = &evidence.Outcome{MicroBatch: r.c.run.Setup.MicroBatch, Accumulation: r.c.run.Setup.Accumulation}
	}
	if t == nil || o == nil {
		return
	}
	if e.Status == evidence.Completed && e.Steps < r.to[e.Trial] {
		r.short = fmt.Sprintf("ended trial %s as completed at step %d of %d", e.Trial, e.Steps, r.to[e.Trial])
	}
	delete(r.pending, e.Trial)
	r.told[e.Trial] = true
	wall := r.elapsed(e.Trial)
	r.c.note(&t.Outcome, *o)
	kept := e.Steps > r.from[e.Trial] && e.Status != evidence.OutOfMemory &&
		(e.Status != evidence.Interrupted || e.Saved != "")
	if kept || e.Status != evidence.Interrupted { // what is done again is charged then
		t.Outcome.Seconds += wall
	}
	old := ""
	if kept || e.Status == evidence.Completed {
		o.OverheadSeconds = max(0, wall-r.steps[e.Trial]-o.EvalSeconds-o.MeasureSeconds)
		if fastest, ok := r.coldest[e.Trial]; ok && len(o.StepTimes) == 0 {
			o.StepTimes = append(o.StepTimes, fastest)
		}
		old = r.keep(t, o, e)
	}
	t.Outcome.Status, t.Outcome.Reason = r.settle(t, e), e.Reason
	r.failed(r.c.save())
	r.failed(r.c.discard(old))
}

// elapsed is the time since the last segment's end; trials that were under way
// together share it alike.
func (r *recorder) elapsed(id string) float64 {
	wall := r.c.now().Sub(r.since)
	if r.shared[id] {
		wall /= time.Duration(len(r.pending) + 1)
	}
	r.since = r.since.Add(wall)
	return wall.Seconds()
}

// note takes over what holds even of a segment whose steps do not count.
func (c *calibration) note(into *evidence.Outcome, o evidence.Outcome) {
	into.TrainableParams, into.TotalParams = o.TrainableParams, o.TotalParams
	into.MicroBatch, into.Accumulation = o.MicroBatch, o.Accumulation
	into.PeakAllocatedBytes = max(into.PeakAllocatedBytes, o.PeakAllocatedBytes)
	into.PeakReservedBytes = max(into.PeakReservedBytes, o.PeakReservedBytes)
}

// base takes over the base model's losses, once. A segment that does not count must
// not give them: its time would be missing from what an evaluation costs.
func (c *calibration) base(o evidence.Outcome) {
	d := &c.run.Domain
	for _, fact := range []struct {
		of   []evidence.Point
		into **float64
	}{{o.EvalLoss, &d.BaseLoss}, {o.GeneralLoss, &d.BaseGeneralLoss}, {o.EvalAccuracy, &d.BaseAccuracy}} {
		for _, p := range fact.of {
			if p.Step == 0 && *fact.into == nil {
				*fact.into = new(p.Loss)
			}
		}
	}
}

// keep appends a segment's curves to its trial's, and returns the checkpoint that
// the new one replaces.
func (r *recorder) keep(t *evidence.TrialResult, o *evidence.Outcome, e TrialEnded) (old string) {
	into := &t.Outcome
	r.c.base(*o)
	for _, f := range r.facts[e.Trial] {
		f.Into(&r.c.run.Domain)
	}
	into.Steps = e.Steps
	into.Segments++
	into.TrainLoss = append(into.TrainLoss, o.TrainLoss...)
	into.EvalLoss = append(into.EvalLoss, o.EvalLoss...)
	into.GeneralLoss = append(into.GeneralLoss, o.GeneralLoss...)
	into.EvalAccuracy = append(into.EvalAccuracy, o.EvalAccuracy...)
	into.GradNorm = append(into.GradNorm, o.GradNorm...)
	into.StepTimes = append(into.StepTimes, o.StepTimes...)
	into.EvalSeconds += o.EvalSeconds
	into.OverheadSeconds += o.OverheadSeconds
	into.MeasureSeconds += o.MeasureSeconds
	into.StepSeconds = summarise(into.StepTimes)
	if m := into.StepSeconds.Median; m > 0 {
		into.TokensPerSecond = float64(r.c.run.Setup.StepTokens()) / m
	}
	if e.Saved != "" {
		old, into.Checkpoint = into.Checkpoint, r.c.relative(e.Saved)
	}
	return old
}

// settle says where the trial now stands.
func (r *recorder) settle(t *evidence.TrialResult, e TrialEnded) evidence.Status {
	switch {
	case e.Status == evidence.OutOfMemory && r.c.run.Setup.MicroBatch == 1:
		return evidence.DoesNotFit
	case e.Status == evidence.Completed && r.lost[e.Trial]:
		return evidence.Diverged
	case e.Status == evidence.Completed && e.Steps < t.Steps:
		return evidence.Paused
	}
	return e.Status
}

// close marks the segments that the engine took with it, and turns a group that it
// left unfinished without a word into an EngineError.
func (r *recorder) close(err error) error {
	if err == nil && r.short != "" {
		err = &EngineError{What: r.short}
	}
	for id := range r.from {
		if err == nil && !r.told[id] {
			err = &EngineError{What: "returned before it had ended trial " + id}
		}
	}
	var engine *EngineError
	if errors.As(err, &engine) {
		for id := range r.pending {
			if t := r.c.trial(id); t != nil {
				t.Outcome.Status, t.Outcome.Reason = evidence.EngineDied, engine.Error()
			}
		}
	}
	return err
}

// summarise describes repeated measurements; quantiles are of the sample itself.
func summarise(values []float64) evidence.Summary {
	if len(values) == 0 {
		return evidence.Summary{}
	}
	sorted := slices.Clone(values)
	sort.Float64s(sorted)
	return evidence.Summary{N: len(sorted), Median: quantile(sorted, 0.5), P10: quantile(sorted, 0.1), P90: quantile(sorted, 0.9)}
}

// quantile interpolates between the order statistics (type 7 of Hyndman and Fan 1996).
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

func logOf(n int) float64 { return math.Log(float64(n)) }
