package decision

import (
	"math"
	"slices"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// decider says how probable it is that full is better at the horizon by more than a
// margin in nats, from what a calibration measured.
type decider struct {
	name string
	say  say
}

type say func(c Case, run *evidence.Run, margin float64) float64

// thirty is where the comparison ends that is usual and misleads.
const thirty = 30

// baselines are what the forecast has to beat. They see the same calibration, its
// learning rates searched, but for the comparison at thirty steps, which is given the
// best learning rate of each method there, whatever that costs.
func baselines() []decider {
	return []decider{
		{"always LoRA", func(Case, *evidence.Run, float64) float64 { return 0 }},
		{"always full", func(Case, *evidence.Run, float64) float64 { return 1 }},
		{"thirty steps", atThirty},
		{"last value", byLoss(forecast.LastLoss)},
		{"power law", byLoss(forecast.PowerLoss)},
		{"capacity rule", byCapacity},
	}
}

// byLoss decides by one number for each arm.
func byLoss(loss func(c forecast.Curve, horizon int) float64) say {
	return func(_ Case, run *evidence.Run, margin float64) float64 {
		best := map[evidence.Kind]float64{evidence.Full: math.Inf(1), evidence.LoRA: math.Inf(1)}
		for _, t := range trunks(run) {
			c := forecast.Curve{Name: t.ID, Method: t.Method, Schedule: t.Schedule, Points: t.Outcome.EvalLoss}
			best[t.Method.Kind] = math.Min(best[t.Method.Kind], loss(c, run.Setup.HorizonSteps))
		}
		return fullIf(best[evidence.Full]+margin < best[evidence.LoRA])
	}
}

// trunks are the probes that went well.
func trunks(run *evidence.Run) []evidence.TrialResult {
	return slices.DeleteFunc(slices.Clone(run.Trials), func(t evidence.TrialResult) bool {
		return t.Stage != evidence.StageProbe || t.Outcome.Status == evidence.Diverged || len(t.Outcome.EvalLoss) < 2
	})
}

func atThirty(c Case, run *evidence.Run, margin float64) float64 {
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
	return fullIf(best[evidence.Full]+margin < best[evidence.LoRA])
}

// arm reports whether a run tried a method.
func arm(run *evidence.Run, m evidence.Method) bool {
	return slices.ContainsFunc(run.Trials, func(t evidence.TrialResult) bool { return t.Method == m })
}

// byCapacity takes for the gap what of the information to learn, as far as the probe came,
// does not fit into the largest adapter (arXiv 2607.21351), in nats a token.
func byCapacity(c Case, run *evidence.Run, margin float64) float64 {
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
	tokens := c.arms[0].curves[0].Facts.EpochTokens
	beyond := forecast.DemandBits(*run.Domain.BaseLoss, best, tokens) - forecast.CapacityBits(most)
	return fullIf(beyond*math.Ln2/math.Max(1, float64(tokens)) > margin)
}

// byForecast is the calibration's own answer: full against the LoRA arm that is
// expected to be best.
func byForecast(_ Case, run *evidence.Run, margin float64) float64 {
	g := best(run)
	if margin == 0 || len(run.Gaps) == 0 {
		return g.PFullBetter
	}
	return above(g.AtHorizon, margin)
}

// above is the probability of a value beyond x, by two halves of normal curves through
// the median and the quantiles.
func above(d evidence.Distribution, x float64) float64 {
	const z90 = 1.2816
	spread := d.P90 - d.P50
	if x < d.P50 {
		spread = d.P50 - d.P10
	}
	return normalAbove((x - d.P50) / math.Max(1e-9, spread/z90))
}

func normalAbove(z float64) float64 { return 0.5 * math.Erfc(z/math.Sqrt2) }

// unpaired is the calibration's answer without the pairing: as if the arms had seen
// different batches, so that nothing that they have in common cancels.
func unpaired(_ Case, run *evidence.Run, margin float64) float64 {
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
	return normalAbove((margin - lora.Loss.Mean + full.Loss.Mean) / spread)
}

func fullIf(better bool) float64 {
	if better {
		return 1
	}
	return 0
}
