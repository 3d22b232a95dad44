package metrics

import (
	"cmp"
	"math"

	"ftadvise/calibrate/evidence"
)

// PublishRun shows a stored run: its facts, its trials' outcomes and its forecasts.
func (e *Exporter) PublishRun(run *evidence.Run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r := e.admit(label(run.ID), run.CreatedAt); r != nil {
		e.show(r, run)
	}
}

// show sets all that a run's file knows. It may be called again as the run grows.
func (e *Exporter) show(r *runSeries, run *evidence.Run) {
	f := e.families
	e.showFacts(r, run)
	for i := range run.Trials {
		e.showTrial(r, &run.Trials[i])
	}
	e.hideOldTrials(r)
	for _, fc := range run.Forecasts {
		setStats(f.forecast, fc.Loss, r.id, label(fc.Method.String()))
	}
	for _, g := range run.Gaps {
		arm := label(g.LoRAMethod.String())
		setStats(f.gap, g.AtHorizon, r.id, arm)
		f.pFullBetter.WithLabelValues(r.id, arm).Set(g.PFullBetter)
	}
	e.showProgress(r)
}

func (e *Exporter) showFacts(r *runSeries, run *evidence.Run) {
	f, s, env := e.families, run.Setup, run.Environment
	f.runInfo.DeletePartialMatch(map[string]string{labelRun: r.id})
	f.runInfo.WithLabelValues(r.id, label(s.Model.Name), label(s.Model.Architecture), label(run.Data.Name),
		label(s.Device), label(s.Precision), label(cmp.Or(env.GPU, env.CPU))).Set(1)
	f.runState.DeletePartialMatch(map[string]string{labelRun: r.id})
	f.runState.WithLabelValues(r.id, label(string(run.State))).Set(1)
	f.runCreated.WithLabelValues(r.id).Set(float64(run.CreatedAt.Unix()))
	f.runWall.WithLabelValues(r.id).Set(run.Seconds)
	f.runBudget.WithLabelValues(r.id).Set(s.BudgetSeconds)
	f.runHorizon.WithLabelValues(r.id).Set(float64(s.HorizonSteps))
	f.runMemory.WithLabelValues(r.id).Set(float64(cmp.Or(env.GPUMemoryBytes, env.MemoryBytes)))
	f.runWarnings.WithLabelValues(r.id).Set(float64(len(run.Warnings)))
	for _, fact := range run.DomainFacts() {
		if !math.IsNaN(fact.Value) {
			f.runDomain.WithLabelValues(r.id, fact.Name, string(fact.Standing)).Set(fact.Value)
		}
	}
	r.budget = s.BudgetSeconds
}

func (e *Exporter) showTrial(r *runSeries, t *evidence.TrialResult) {
	s := r.trial(t.ID, t.Method)
	s.planned = t.Steps
	s.over = t.Outcome.Status.Finished()
	s.done = max(s.done, t.Outcome.Steps)
	if s.hidden {
		return
	}
	f, l := e.families, []string{r.id, s.arm, s.id}
	f.trialInfo.WithLabelValues(append(l, label(string(t.Stage)))...).Set(1)
	e.setStatus(r, s, t.Outcome.Status)
	f.trialPlanned.WithLabelValues(l...).Set(float64(s.planned))
	if s.done > s.counted {
		f.steps.WithLabelValues(l...).Add(float64(s.done - s.counted))
		s.counted = s.done
	}
	e.showOutcome(l, t)
	if t.Stage == evidence.StageFit && t.Outcome.StepSeconds.N > 0 {
		f.predictedStep.WithLabelValues(r.id, s.arm).Set(t.Outcome.StepSeconds.Median)
	}
}

// showOutcome sets the newest value of each measurement; what was not measured
// stays absent.
func (e *Exporter) showOutcome(l []string, t *evidence.TrialResult) {
	f, o := e.families, t.Outcome
	for set, points := range map[string][]evidence.Point{"held-out": o.EvalLoss, "general": o.GeneralLoss} {
		if n := len(points); n > 0 {
			f.evalLoss.WithLabelValues(append(l, set)...).Set(points[n-1].Loss)
		}
	}
	setLast(f.trainLoss, o.TrainLoss, l)
	setLast(f.gradNorm, o.GradNorm, l)
	setLast(f.accuracy, o.EvalAccuracy, l)
	for _, v := range []struct {
		gauge gaugeVec
		value float64
	}{
		{f.stepMedian, o.StepSeconds.Median}, {f.tokenRate, o.TokensPerSecond},
		{f.allocated, float64(o.PeakAllocatedBytes)}, {f.reserved, float64(o.PeakReservedBytes)},
	} {
		if v.value > 0 {
			v.gauge.WithLabelValues(l...).Set(v.value)
		}
	}
	if o.TotalParams > 0 {
		f.params.WithLabelValues(append(l, "trainable")...).Set(float64(o.TrainableParams))
		f.params.WithLabelValues(append(l, "total")...).Set(float64(o.TotalParams))
	}
}

// trial returns the series of a trial, new or known.
func (r *runSeries) trial(id string, m evidence.Method) *trialSeries {
	id = label(id)
	if t, ok := r.byID[id]; ok {
		return t
	}
	t := &trialSeries{id: id, arm: label(m.String())}
	r.trials, r.byID[id] = append(r.trials, t), t
	return t
}

// hideOldTrials keeps the series of the newest trials of a run alone.
func (e *Exporter) hideOldTrials(r *runSeries) {
	old := len(r.trials) - e.opts.MaxTrials
	for _, t := range r.trials[:max(0, old)] {
		if !t.hidden {
			t.hidden = true
			e.families.forgetTrial(r.id, t.id)
			e.families.dropped.WithLabelValues("trial").Inc()
		}
	}
}

func (e *Exporter) setStatus(r *runSeries, t *trialSeries, status evidence.Status) {
	f := e.families.trialStatus
	f.DeletePartialMatch(map[string]string{labelRun: r.id, labelTrial: t.id})
	f.WithLabelValues(r.id, t.arm, t.id, label(string(status))).Set(1)
}

// showProgress sets progress and the time left: each trial's open steps at its
// arm's mean pace, stretched by what evaluation and loading have taken so far.
func (e *Exporter) showProgress(r *runSeries) {
	var planned, done int
	var left float64
	for _, t := range r.trials {
		total := t.planned
		if t.over {
			total = t.done
		}
		planned, done = planned+total, done+min(t.done, total)
		left += float64(max(0, total-t.done)) * r.pace(t.arm)
	}
	f := e.families
	f.runPlanned.WithLabelValues(r.id).Set(float64(planned))
	f.runDone.WithLabelValues(r.id).Set(float64(done))
	if planned > 0 {
		f.runProgress.WithLabelValues(r.id).Set(float64(done) / float64(planned))
	}
	if r != e.live {
		return
	}
	elapsed := e.opts.Now().Sub(r.began).Seconds()
	if r.busy > 0 {
		left *= min(10, max(1, elapsed/r.busy))
	}
	if r.budget > 0 {
		left = min(left, max(0, r.budget-elapsed))
	}
	f.runETA.WithLabelValues(r.id).Set(left)
}

// pace is the mean step time of an arm in seconds, of all arms where it has none yet.
func (r *runSeries) pace(arm string) float64 {
	var own, all, ownN, allN float64
	for _, t := range r.trials {
		n := float64(t.timed)
		all, allN = all+t.seconds, allN+n
		if t.arm == arm {
			own, ownN = own+t.seconds, ownN+n
		}
	}
	if ownN > 0 {
		return own / ownN
	}
	return all / max(1, allN)
}
