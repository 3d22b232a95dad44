package metrics

import (
	"fmt"
	"io"
	"math"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"ftadvise/advisor"
	"ftadvise/calibrate/evidence"
)

// WriteOpenMetrics writes a finished run with timestamps, for
// promtool tsdb create-blocks-from openmetrics: each step's loss, gradient norm and
// step count when they happened, everything else at the run's end. A run's file keeps
// no clock time of a step, so a trial's steps are spread evenly over its wall time and
// trials follow one another from the run's start. rec may be nil.
func WriteOpenMetrics(w io.Writer, run *evidence.Run, rec *advisor.Recommendation) error {
	e := NewExporter(nil, Options{Version: run.Version, MaxTrials: max(1, len(run.Trials))})
	e.PublishRun(run)
	if rec != nil {
		e.Publish(rec)
	}
	families, err := e.ours().Gather()
	if err != nil {
		return fmt.Errorf("metrics for back-fill: %w", err)
	}
	h := newHistory(run)
	for _, f := range families {
		f.Metric = h.stamped(f)
		if _, err := expfmt.MetricFamilyToOpenMetrics(w, f); err != nil {
			return fmt.Errorf("metrics for back-fill: %w", err)
		}
	}
	if _, err := expfmt.FinalizeOpenMetrics(w); err != nil {
		return fmt.Errorf("metrics for back-fill: %w", err)
	}
	return nil
}

// history knows when the steps of each trial were.
type history struct {
	end    time.Time
	trials map[string]timedTrial
}

type timedTrial struct {
	outcome evidence.Outcome
	start   time.Time
	step    time.Duration
}

func newHistory(run *evidence.Run) history {
	h := history{trials: map[string]timedTrial{}}
	at := run.CreatedAt
	for _, t := range run.Trials {
		o := t.Outcome
		seconds := o.Seconds
		if seconds <= 0 {
			seconds = o.StepSeconds.Median * float64(o.Steps)
		}
		whole := time.Duration(seconds * float64(time.Second))
		h.trials[label(t.ID)] = timedTrial{outcome: o, start: at, step: whole / time.Duration(max(1, o.Steps))}
		at = at.Add(whole)
	}
	h.end = run.FinishedAt
	if h.end.Before(at) {
		h.end = at
	}
	return h
}

// stamped gives a family's samples their times.
func (h history) stamped(f *dto.MetricFamily) []*dto.Metric {
	var out []*dto.Metric
	for _, m := range f.GetMetric() {
		points, ok := h.points(f.GetName(), m)
		if !ok {
			m.TimestampMs = new(h.end.UnixMilli())
			out = append(out, m)
			continue
		}
		out = append(out, points...)
	}
	return out
}

// points turns one newest value back into the curve that it ends.
func (h history) points(name string, m *dto.Metric) ([]*dto.Metric, bool) {
	labels := map[string]string{}
	for _, l := range m.GetLabel() {
		labels[l.GetName()] = l.GetValue()
	}
	t, ok := h.trials[labels[labelTrial]]
	if !ok {
		return nil, false
	}
	curve := t.curve(name, labels["set"])
	if len(curve) == 0 {
		return nil, false
	}
	var out []*dto.Metric
	for _, p := range curve {
		if math.IsNaN(p.Loss) {
			continue
		}
		sample := &dto.Metric{Label: m.GetLabel(), TimestampMs: new(t.start.Add(time.Duration(p.Step) * t.step).UnixMilli())}
		if m.GetCounter() != nil {
			sample.Counter = &dto.Counter{Value: new(float64(p.Step))}
		} else {
			sample.Gauge = &dto.Gauge{Value: new(p.Loss)}
		}
		out = append(out, sample)
	}
	return out, true
}

func (t timedTrial) curve(name, set string) []evidence.Point {
	switch {
	case name == "ftadvise_trial_training_loss_nats", name == "ftadvise_trial_steps_total":
		return t.outcome.TrainLoss
	case name == "ftadvise_trial_gradient_norm":
		return t.outcome.GradNorm
	case name == "ftadvise_trial_eval_loss_nats" && set == "held-out":
		return t.outcome.EvalLoss
	case name == "ftadvise_trial_eval_loss_nats":
		return t.outcome.GeneralLoss
	case name == "ftadvise_trial_eval_accuracy_ratio":
		return t.outcome.EvalAccuracy
	}
	return nil
}
