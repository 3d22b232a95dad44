package advisor

import (
	"math"
	"sort"

	"ftadvise/calibrate/evidence"
)

// arm is what the evidence says of one method: its best trial, its forecast, and what
// its step costs. Numbers that were not measured are NaN or zero as noted.
type arm struct {
	method    evidence.Method
	trial     string // ID of the trial or probe that stands for the method
	rate      float64
	status    evidence.Status
	reason    string // why it is unusable
	usable    bool   // some trial trained and gave a finite held-out loss
	fits      bool
	seen      int // optimizer steps of that trial
	last      evidence.Point
	right     *float64              // held-out accuracy, as last measured
	base      float64               // held-out loss before training; NaN if unknown
	loss      evidence.Distribution // at the horizon; only with forecast
	best      evidence.Distribution // at the best checkpoint; only with forecast
	stop      int                   // step of the best checkpoint; 0 if the last
	early     *evidence.Stop        // when to end training, as forecast
	forecast  bool
	step      evidence.Summary // seconds of an optimizer step; N is 0 if unknown
	peak      int64
	trainable int64
	total     int64
	general   float64 // rise of loss on general text, nats; NaN if unknown
	perNat    float64 // points of accuracy a nat, measured; NaN if unknown
}

// armsOf groups the run's trials by method: full first, then LoRA by rank and name.
// The order of the trials does not matter.
func armsOf(run *evidence.Run) []arm {
	groups := map[evidence.Method][]evidence.TrialResult{}
	for _, t := range run.Trials {
		groups[t.Method] = append(groups[t.Method], t)
	}
	for _, f := range run.Forecasts {
		if _, ok := groups[f.Method]; !ok {
			groups[f.Method] = nil
		}
	}
	arms := make([]arm, 0, len(groups))
	for m, trials := range groups {
		arms = append(arms, armOf(m, trials, run.Forecasts, run.Domain))
	}
	sort.Slice(arms, func(i, j int) bool { return lessMethod(arms[i].method, arms[j].method) })
	return arms
}

func lessMethod(a, b evidence.Method) bool {
	if a.Kind != b.Kind {
		return a.Kind == evidence.Full
	}
	if a.Rank != b.Rank {
		return a.Rank < b.Rank
	}
	if s, t := a.String(), b.String(); s != t {
		return s < t
	}
	if a.Alpha != b.Alpha {
		return a.Alpha < b.Alpha
	}
	if a.Dropout != b.Dropout {
		return a.Dropout < b.Dropout
	}
	if a.RateRatioBA != b.RateRatioBA {
		return a.RateRatioBA < b.RateRatioBA
	}
	if a.ModulesToSave != b.ModulesToSave {
		return a.ModulesToSave < b.ModulesToSave
	}
	return a.Targets < b.Targets
}

func armOf(m evidence.Method, trials []evidence.TrialResult, forecasts []evidence.Forecast, domain evidence.Domain) arm {
	sort.Slice(trials, func(i, j int) bool { return trials[i].ID < trials[j].ID })
	a := arm{method: m, fits: true, base: math.NaN(), general: math.NaN(), perNat: math.NaN()}
	f, hasForecast := bestForecast(m, forecasts)
	t, ok := representative(trials, f.Trial)
	if ok {
		a.take(t)
		a.start(t.Outcome, domain)
	} else {
		a.blame(trials)
	}
	a.measure(trials)
	if hasForecast {
		a.expect(f)
	}
	return a
}

// bestForecast is the method's forecast with the lowest expected best loss.
func bestForecast(m evidence.Method, forecasts []evidence.Forecast) (evidence.Forecast, bool) {
	var best evidence.Forecast
	found := false
	for _, f := range forecasts {
		if f.Method != m || !usableForecast(f) {
			continue
		}
		a, b := expected(f), expected(best)
		if !found || a.Mean < b.Mean || (a.Mean == b.Mean && f.Trial < best.Trial) {
			best, found = f, true
		}
	}
	return best, found
}

// usableForecast reports whether a forecast's numbers can be reckoned with.
func usableForecast(f evidence.Forecast) bool {
	return usableDistribution(f.Loss) && usableDistribution(f.BestLoss) && plausible(float64(f.SeenSteps), float64(f.HorizonSteps))
}

func usableDistribution(d evidence.Distribution) bool {
	return plausible(d.Mean, d.SD, d.P10, d.P50, d.P90) && d.SD >= 0
}

// expected is the loss that counts: at the best checkpoint where that was forecast.
func expected(f evidence.Forecast) evidence.Distribution {
	if f.BestLoss != (evidence.Distribution{}) {
		return f.BestLoss
	}
	return f.Loss
}

// representative picks the trial that stands for a method: the forecast's own, else
// the furthest stage, the most steps, the lowest last held-out loss, the first ID.
func representative(trials []evidence.TrialResult, id string) (evidence.TrialResult, bool) {
	var best evidence.TrialResult
	found := false
	for _, t := range trials {
		if !trained(t.Outcome) {
			continue
		}
		if t.ID == id {
			return t, true
		}
		if !found || betterWitness(t, best) {
			best, found = t, true
		}
	}
	return best, found
}

// trained reports whether an outcome can stand for its method.
func trained(o evidence.Outcome) bool {
	switch o.Status {
	case evidence.Completed, evidence.CutByBudget, evidence.Dropped, evidence.Interrupted, evidence.EngineDied, evidence.Paused:
		p, ok := o.LastEval()
		return ok && p.Step > 0 && plausible(p.Loss, float64(p.Step), float64(o.Steps))
	default:
		return false
	}
}

func betterWitness(a, b evidence.TrialResult) bool {
	if x, y := stageRank(a.Stage), stageRank(b.Stage); x != y {
		return x > y
	}
	p, _ := a.Outcome.LastEval()
	q, _ := b.Outcome.LastEval()
	if p.Step != q.Step {
		return p.Step > q.Step
	}
	return p.Loss < q.Loss
}

func stageRank(s evidence.Stage) int {
	switch s {
	case evidence.StageProbe, evidence.StageImport, evidence.StageEssay:
		return 2
	case evidence.StageSearch:
		return 1
	default:
		return 0
	}
}

func (a *arm) take(t evidence.TrialResult) {
	o := t.Outcome
	a.trial, a.rate, a.status, a.usable = t.ID, t.LearningRate, o.Status, true
	a.last, _ = o.LastEval()
	if p, ok := o.LastAccuracy(); ok && p.Loss >= 0 && p.Loss <= 1 {
		a.right = new(p.Loss)
	}
	a.seen = max(o.Steps, a.last.Step)
	if best, ok := o.BestEval(); ok && best.Loss < a.last.Loss {
		a.stop = best.Step
	}
	a.step, a.peak, a.trainable, a.total = usableSummary(o.StepSeconds), o.PeakAllocatedBytes, o.TrainableParams, o.TotalParams
	a.perNat = pointsPerNat(o)
}

// start finds what the losses were before training: evaluated by the trial itself, or
// once for the whole run.
func (a *arm) start(o evidence.Outcome, domain evidence.Domain) {
	a.base = before(o.EvalLoss, domain.BaseLoss)
	if n := len(o.GeneralLoss); n > 0 && o.GeneralLoss[n-1].Step > 0 {
		a.general = o.GeneralLoss[n-1].Loss - before(o.GeneralLoss, domain.BaseGeneralLoss)
	}
}

// before is the loss at step 0; NaN if neither the trial nor the run knows it.
func before(points []evidence.Point, shared *float64) float64 {
	switch {
	case len(points) > 0 && points[0].Step == 0:
		return points[0].Loss
	case shared != nil:
		return *shared
	}
	return math.NaN()
}

// blame says why no trial of the method can be used.
func (a *arm) blame(trials []evidence.TrialResult) {
	a.reason = "was not tried"
	for _, t := range trials {
		if a.status == "" || graver(t.Outcome.Status, a.status) {
			a.status, a.reason = t.Outcome.Status, string(t.Outcome.Status)
			if a.status == evidence.Completed {
				a.reason = "was never evaluated after a step"
			}
			if t.Outcome.Reason != "" {
				a.reason += ": " + t.Outcome.Reason
			}
		}
	}
	a.fits = a.status != evidence.DoesNotFit && a.status != evidence.OutOfMemory
}

// graver orders the ends of trials by how much they say about the method.
func graver(a, b evidence.Status) bool {
	order := []evidence.Status{evidence.Pending, evidence.Paused, evidence.Interrupted, evidence.EngineDied, evidence.CutByBudget, evidence.Dropped,
		evidence.Completed, evidence.Diverged, evidence.OutOfMemory, evidence.DoesNotFit}
	rank := func(s evidence.Status) int {
		for i, o := range order {
			if o == s {
				return i
			}
		}
		return -1
	}
	return rank(a) > rank(b)
}

// measure fills step time, memory and sizes from the method's other trials where the
// representative has none; they do not depend on the learning rate.
func (a *arm) measure(trials []evidence.TrialResult) {
	for _, t := range trials {
		o := t.Outcome
		if o.Status == evidence.OutOfMemory || o.Status == evidence.DoesNotFit {
			continue
		}
		if a.step.Median == 0 {
			a.step = usableSummary(o.StepSeconds)
		}
		a.peak = max(a.peak, o.PeakAllocatedBytes)
		if a.trainable == 0 {
			a.trainable, a.total = o.TrainableParams, o.TotalParams
		}
	}
}

func (a *arm) expect(f evidence.Forecast) {
	a.forecast, a.usable, a.loss, a.best = true, true, f.Loss, expected(f)
	a.seen = max(a.seen, f.SeenSteps)
	a.stop, a.early = 0, f.Stop
	switch {
	case f.Stop != nil && f.Stop.Step < f.HorizonSteps:
		a.stop = f.Stop.Step
	case f.Stop == nil && f.BestStep > 0 && f.BestStep < f.HorizonSteps:
		a.stop = f.BestStep
	}
	if a.trial == "" {
		a.trial, a.rate = f.Trial, f.RateToTrain()
	}
}
