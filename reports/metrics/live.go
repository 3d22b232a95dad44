package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
)

// gaugeVec is the part of a gauge vector that setting needs.
type gaugeVec = *prometheus.GaugeVec

// Planned implements calibrate.Observer: the run's trials so far, again at each
// change of the plan. The run becomes the one that events belong to.
func (e *Exporter) Planned(run *evidence.Run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	// A resumed run may be older than all that are shown; it is news all the same.
	if r := e.admit(label(run.ID), e.opts.Now()); r != nil {
		e.live = r
		e.show(r, run)
		e.families.runLastEvent.WithLabelValues(r.id).Set(e.now())
	}
}

// Happened implements calibrate.Observer.
func (e *Exporter) Happened(event calibrate.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.live == nil {
		return
	}
	e.families.runLastEvent.WithLabelValues(e.live.id).Set(e.now())
	switch ev := event.(type) {
	case calibrate.TrialStarted:
		e.started(ev)
	case calibrate.StepDone:
		e.stepped(ev)
	case calibrate.EvalDone:
		e.evaluated(ev)
	case calibrate.MemoryMeasured:
		e.measured(ev)
	case calibrate.TrialEnded:
		e.endedTrial(ev)
	case calibrate.LogLine:
		e.families.logLines.WithLabelValues(e.live.id, label(ev.Level)).Inc()
	}
}

func (e *Exporter) now() float64 { return float64(e.opts.Now().UnixMilli()) / 1000 }

// known returns a live trial and its label values, nil for one that was not planned
// or is no longer shown.
func (e *Exporter) known(trial string) (*trialSeries, []string) {
	t := e.live.byID[label(trial)]
	if t == nil || t.hidden {
		return nil, nil
	}
	return t, []string{e.live.id, t.arm, t.id}
}

func (e *Exporter) started(ev calibrate.TrialStarted) {
	t, l := e.known(ev.Trial)
	if t == nil {
		return
	}
	e.setStatus(e.live, t, "running")
	e.families.params.WithLabelValues(append(l, "trainable")...).Set(float64(ev.TrainableParams))
	e.families.params.WithLabelValues(append(l, "total")...).Set(float64(ev.TotalParams))
}

func (e *Exporter) stepped(ev calibrate.StepDone) {
	t, l := e.known(ev.Trial)
	if t == nil {
		return
	}
	f := e.families
	f.steps.WithLabelValues(l...).Inc()
	f.tokens.WithLabelValues(l...).Add(float64(max(0, ev.Tokens)))
	f.trainLoss.WithLabelValues(l...).Set(ev.Loss)
	f.gradNorm.WithLabelValues(l...).Set(ev.GradNorm)
	f.rate.WithLabelValues(l...).Set(ev.LearningRate)
	if ev.Seconds > 0 {
		f.tokenRate.WithLabelValues(l...).Set(float64(ev.Tokens) / ev.Seconds)
	}
	t.counted++
	t.done = max(t.done+1, t.counted)
	if ev.Warm {
		f.stepDuration.WithLabelValues(e.live.id, t.arm).Observe(ev.Seconds)
		t.timed++
		t.seconds += ev.Seconds
	}
	e.live.busy += ev.Seconds
	e.showProgress(e.live)
}

func (e *Exporter) evaluated(ev calibrate.EvalDone) {
	t, l := e.known(ev.Trial)
	if t == nil {
		return
	}
	e.families.evalLoss.WithLabelValues(append(l, label(ev.Set))...).Set(ev.Loss)
	if ev.Accuracy != nil {
		e.families.accuracy.WithLabelValues(l...).Set(*ev.Accuracy)
	}
}

func (e *Exporter) measured(ev calibrate.MemoryMeasured) {
	if t, l := e.known(ev.Trial); t != nil {
		e.families.allocated.WithLabelValues(l...).Set(float64(ev.PeakAllocatedBytes))
		e.families.reserved.WithLabelValues(l...).Set(float64(ev.PeakReservedBytes))
	}
}

func (e *Exporter) endedTrial(ev calibrate.TrialEnded) {
	t, _ := e.known(ev.Trial)
	if t == nil {
		return
	}
	e.setStatus(e.live, t, ev.Status)
	e.families.ended.WithLabelValues(e.live.id, t.arm, label(string(ev.Status))).Inc()
	t.over = ev.Status.Finished()
	e.showProgress(e.live)
}

func setLast(g gaugeVec, points []evidence.Point, labels []string) {
	if n := len(points); n > 0 {
		g.WithLabelValues(labels...).Set(points[n-1].Loss)
	}
}

// setStats sets mean and quantiles of a distribution.
func setStats(g gaugeVec, d evidence.Distribution, labels ...string) {
	for stat, v := range map[string]float64{"mean": d.Mean, "p10": d.P10, "p50": d.P50, "p90": d.P90} {
		g.WithLabelValues(append(labels, stat)...).Set(v)
	}
}
