package decision

import (
	"math"
	"slices"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// decider says how probable it is that full is better at the horizon, from what a
// calibration measured.
type decider struct {
	name string
	say  func(c Case, run *evidence.Run) float64
}

// thirty is where the comparison ends that is usual and misleads.
const thirty = 30

// baselines are what the forecast has to beat. They see the same calibration, its
// learning rates searched, but for the comparison at thirty steps, which is given the
// best learning rate of each method there, whatever that costs.
func baselines() []decider {
	return []decider{
		{"always LoRA", func(Case, *evidence.Run) float64 { return 0 }},
		{"always full", func(Case, *evidence.Run) float64 { return 1 }},
		{"thirty steps", atThirty},
		{"last value", byLoss(forecast.LastLoss)},
		{"power law", byLoss(forecast.PowerLoss)},
		{"capacity rule", byCapacity},
	}
}

// byLoss decides by one number for each arm.
func byLoss(loss func(c forecast.Curve, horizon int) float64) func(Case, *evidence.Run) float64 {
	return func(_ Case, run *evidence.Run) float64 {
		best := map[evidence.Kind]float64{evidence.Full: math.Inf(1), evidence.LoRA: math.Inf(1)}
		for _, t := range trunks(run) {
			c := forecast.Curve{Name: t.ID, Method: t.Method, Schedule: t.Schedule, Points: t.Outcome.EvalLoss}
			best[t.Method.Kind] = math.Min(best[t.Method.Kind], loss(c, run.Setup.HorizonSteps))
		}
		return fullIf(best[evidence.Full] < best[evidence.LoRA])
	}
}

// trunks are the probes that went well.
func trunks(run *evidence.Run) []evidence.TrialResult {
	return slices.DeleteFunc(slices.Clone(run.Trials), func(t evidence.TrialResult) bool {
		return t.Stage != evidence.StageProbe || t.Outcome.Status == evidence.Diverged || len(t.Outcome.EvalLoss) < 2
	})
}

func atThirty(c Case, run *evidence.Run) float64 {
	best := map[evidence.Kind]float64{evidence.Full: math.Inf(1), evidence.LoRA: math.Inf(1)}
	for _, a := range c.arms {
		if a.method.Kind == evidence.LoRA && !arm(run, a.method) {
			continue
		}
		for _, curve := range a.curves {
			if loss := curve.Loss(thirty); loss < best[a.method.Kind] {
				best[a.method.Kind] = loss
			}
		}
	}
	return fullIf(best[evidence.Full] < best[evidence.LoRA])
}

// arm reports whether a run tried a method.
func arm(run *evidence.Run, m evidence.Method) bool {
	return slices.ContainsFunc(run.Trials, func(t evidence.TrialResult) bool { return t.Method == m })
}

// byCapacity says full where the information to learn, as far as the probe came,
// exceeds what the largest adapter holds (arXiv 2607.21351).
func byCapacity(c Case, run *evidence.Run) float64 {
	if run.Domain.BaseLoss == nil {
		return 0.5
	}
	best, most := *run.Domain.BaseLoss, int64(0)
	for _, t := range trunks(run) {
		if p, ok := t.Outcome.BestEval(); ok {
			best = math.Min(best, p.Loss)
		}
		if t.Method.Kind == evidence.LoRA {
			most = max(most, t.Outcome.TrainableParams)
		}
	}
	return fullIf(forecast.DemandBits(*run.Domain.BaseLoss, best, c.arms[0].curves[0].Facts.EpochTokens) > forecast.CapacityBits(most))
}

// byForecast is the calibration's own answer: full against the LoRA arm that is
// expected to be best.
func byForecast(_ Case, run *evidence.Run) float64 {
	best := evidence.Gap{PFullBetter: 0.5, AtHorizon: evidence.Distribution{Mean: math.Inf(1)}}
	for _, g := range run.Gaps {
		if g.AtHorizon.Mean < best.AtHorizon.Mean {
			best = g
		}
	}
	return best.PFullBetter
}

// unpaired is the calibration's answer without the pairing: as if the arms had seen
// different batches, so that nothing that they have in common cancels.
func unpaired(_ Case, run *evidence.Run) float64 {
	var full, lora evidence.Forecast
	for _, f := range run.Forecasts {
		switch {
		case f.Method.Kind == evidence.Full:
			full = f
		case lora.Trial == "" || f.Loss.Mean < lora.Loss.Mean:
			lora = f
		}
	}
	if full.Trial == "" || lora.Trial == "" {
		return 0.5
	}
	spread := math.Max(1e-9, math.Hypot(full.Loss.SD, lora.Loss.SD))
	return 0.5 * math.Erfc(-(lora.Loss.Mean-full.Loss.Mean)/spread/math.Sqrt2)
}

func fullIf(better bool) float64 {
	if better {
		return 1
	}
	return 0
}
