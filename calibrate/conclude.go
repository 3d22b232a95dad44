package calibrate

import (
	"fmt"
	"math"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// conclude adds what follows from the trials: memory as the fit measured it in a
// process of its own, forecasts, and what the base model's loss says.
func (c *calibration) conclude() {
	c.liftMemory()
	if !c.spec.Model.RandomWeights && c.trained() {
		c.forecast()
	}
	c.judgeBase()
	c.weighCapacity()
}

// liftMemory gives each trial at least the peak that its arm's fit trial had at the
// same micro-batch: that one ran in a fresh process, whereas a later one may have
// found memory that an earlier trial had left to the process.
func (c *calibration) liftMemory() {
	for _, fit := range c.run.Trials {
		if fit.Stage != evidence.StageFit || fit.Outcome.Status != evidence.Completed {
			continue
		}
		for i := range c.run.Trials {
			t := &c.run.Trials[i]
			if o := &t.Outcome; t.Method == fit.Method && o.MicroBatch == fit.Outcome.MicroBatch && o.Steps > 0 {
				o.PeakAllocatedBytes = max(o.PeakAllocatedBytes, fit.Outcome.PeakAllocatedBytes)
				o.PeakReservedBytes = max(o.PeakReservedBytes, fit.Outcome.PeakReservedBytes)
			}
		}
	}
}

// trained reports whether there is a curve to extrapolate.
func (c *calibration) trained() bool {
	for _, t := range c.run.Trials {
		if (t.Stage == evidence.StageProbe || t.Stage == evidence.StageEssay) && len(t.Outcome.EvalLoss) > 1 {
			return true
		}
	}
	return false
}

func (c *calibration) forecast() {
	library, err := c.library()
	if err != nil {
		c.warn("no-forecast", "No forecast at the horizon: "+err.Error()+".")
		return
	}
	forecasts, gaps, warnings, err := library.Arms(c.run, c.run.Setup.HorizonSteps)
	for _, w := range warnings {
		c.warn(w.Code, w.Text)
	}
	if err == nil {
		if field := evidence.NotFinite([]any{forecasts, gaps}); field != "" {
			err = fmt.Errorf("%s is not a finite number", field)
		}
	}
	if err != nil {
		c.warn("no-forecast", "No forecast at the horizon: "+err.Error()+".")
		return
	}
	c.run.Forecasts, c.run.Gaps = forecasts, gaps
	c.settle(library.Drift)
}

// settle finds for each probe the learning rate to train to the horizon at: half-way, by
// the logarithm, between the search's winner moved on and the prior, since either errs
// about as far by itself; where the budget paid for no search, the prior.
func (c *calibration) settle(drift forecast.Drift) {
	for i := range c.run.Forecasts {
		f := &c.run.Forecasts[i]
		t := c.trial(f.Trial)
		if t == nil || t.Stage != evidence.StageProbe || c.run.Plan == nil {
			continue
		}
		rate, facts := f.LearningRate, forecast.FactsOf(c.run, *t, f.HorizonSteps)
		switch {
		case len(c.run.Plan.RungSteps) > 0:
			rate = math.Sqrt(drift.Rate(rate, f.SeenSteps, f.HorizonSteps, facts) * drift.Prior(c.priorOf(t.Method), facts))
		case c.spec.SearchRates > 1:
			rate = drift.Prior(rate, facts)
		}
		if rate = roundRate(rate); rate != roundRate(f.LearningRate) {
			f.HorizonRate = rate
		}
	}
}

// library is what finished curves taught.
func (c *calibration) library() (*forecast.Library, error) {
	if c.spec.Library != nil {
		return c.spec.Library, nil
	}
	return forecast.Embedded()
}

// priorOf is where a method's search began.
func (c *calibration) priorOf(m evidence.Method) float64 {
	for _, a := range c.spec.arms() {
		if a.method == m {
			return a.prior
		}
	}
	return 0
}

// judgeBase warns of a base model that knows less of the text than no model at all.
func (c *calibration) judgeBase() {
	d := c.run.Domain
	if d.BaseLoss != nil && d.UniformLoss != nil && *d.BaseLoss > *d.UniformLoss && !c.spec.Model.RandomWeights {
		c.warn("worse-than-uniform", fmt.Sprintf(
			"The base model's loss on these data, %.2f nats, is above that of guessing, %.2f; check that model and tokenizer belong together.",
			*d.BaseLoss, *d.UniformLoss))
	}
}

// weighCapacity sets the information to learn against what the LoRA asked for holds,
// and finds the rank that would hold it.
func (c *calibration) weighCapacity() {
	d := &c.run.Domain
	trainable := c.adapterParams()
	if trainable > 0 {
		d.CapacityBits = new(forecast.CapacityBits(trainable))
	}
	best := math.Inf(1)
	for _, f := range c.run.Forecasts {
		best = min(best, f.BestLoss.Mean)
	}
	if d.BaseLoss == nil || math.IsInf(best, 1) {
		return
	}
	labelled := math.Round(float64(c.run.Data.Tokens) * c.run.Data.LabelledShare)
	d.DemandBits = new(forecast.DemandBits(*d.BaseLoss, best, int64(labelled)))
	if rank := int64(c.run.Setup.LoRA.Rank); rank > 0 && trainable > 0 && c.spec.RankMost > 0 {
		d.RankMost = c.spec.RankMost
		if needed, ok := forecast.RankFor(*d.DemandBits, max(1, trainable/rank), d.RankMost); ok {
			d.RankNeeded = needed
		}
	}
}

// adapterParams is how many parameters the LoRA that was asked for trains; 0 where it
// was not tried.
func (c *calibration) adapterParams() int64 {
	trainable := int64(0)
	for _, t := range c.run.Trials {
		if t.Method == c.run.Setup.LoRA {
			trainable = max(trainable, t.Outcome.TrainableParams)
		}
	}
	return trainable
}
