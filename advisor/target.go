package advisor

import (
	"fmt"
	"math"

	"ftadvise/calibrate/evidence"
)

// scale carries a measurement from the measured model to the target: another size of
// the same kind. Width and depth of transformers grow together, so that weights grow
// with the cube of width, and what goes with width x depth (activations, adapters) as
// the weights' power 2/3.
type scale struct {
	params  float64 // of the target
	ratio   float64 // target over measured
	decades float64 // |log10 ratio|: how far the measurement is stretched
}

// How much a decade of size widens what was measured.
const (
	stepSpreadPerDecade = 0.25 // of step time, relative
	gapSpreadPerDecade  = 0.02 // nats, and half of the gap itself
)

func scaleOf(s Stakes, m evidence.Model) scale {
	params := float64(m.Params)
	if s.TargetModelParams <= 0 || params <= 0 || s.TargetModelParams == params {
		return scale{params: params, ratio: 1}
	}
	r := s.TargetModelParams / params
	return scale{params: s.TargetModelParams, ratio: r, decades: math.Abs(math.Log10(r))}
}

func (c scale) stretched() bool { return c.ratio != 1 }

// narrow is the factor of what grows with width x depth.
func (c scale) narrow() float64 { return math.Pow(c.ratio, 2.0/3) }

// gap widens a contrast: a larger model may need less rank (intrinsic dimension falls
// with size, arXiv 2012.13255), by how much nobody knows beforehand.
func (c scale) gap(d contrast) contrast {
	if c.stretched() {
		d.sd = math.Hypot(d.sd, c.decades*(gapSpreadPerDecade+0.5*math.Abs(d.mean)))
	}
	return d
}

// stepSeconds is the target's step time with its spread. Time goes with the weights.
func (c scale) stepSeconds(s evidence.Summary) (mean, sd float64) {
	mean = s.Median * c.ratio
	return mean, math.Hypot(summarySD(s)*c.ratio, mean*stepSpreadPerDecade*c.decades)
}

func (c scale) trainable(a arm) float64 {
	if a.method.Kind == evidence.Full {
		return float64(a.trainable) * c.ratio
	}
	return float64(a.trainable) * c.narrow()
}

// stateBytes are the bytes a parameter takes in training: weight, gradient and Adam's
// two moments, by precision; frozen are a frozen weight's.
func stateBytes(precision string) (trained, frozen float64) {
	switch precision {
	case "bf16-pure":
		return 8, 2
	case "bf16":
		return 16, 2
	}
	return 16, 4
}

// states is what weights, gradients and optimizer take, before activations.
func states(k evidence.Kind, params, trainable float64, precision string) float64 {
	trained, frozen := stateBytes(precision)
	if k == evidence.Full {
		return trained * params
	}
	return frozen*params + trained*trainable
}

// peak is the target's peak memory: the states by formula, the rest (activations,
// logits, allocator) as measured and grown with width x depth. 0 if nothing was
// measured and no size is known.
func (c scale) peak(a arm, precision string) float64 {
	if !c.stretched() || a.peak == 0 {
		return float64(a.peak)
	}
	before := states(a.method.Kind, c.params/c.ratio, float64(a.trainable), precision)
	rest := math.Max(0, float64(a.peak)-before)
	return states(a.method.Kind, c.params, c.trainable(a), precision) + rest*c.narrow()
}

// fullPeakFrom guesses what full would need from a LoRA arm's measurement, for a
// method that did not fit and so was not measured.
func (c scale) fullPeakFrom(lora arm, precision string) float64 {
	p := c.peak(lora, precision)
	if p == 0 {
		return states(evidence.Full, c.params, c.params, precision)
	}
	rest := math.Max(0, p-states(evidence.LoRA, c.params, c.trainable(lora), precision))
	return states(evidence.Full, c.params, c.params, precision) + rest
}

func (c scale) warning(measured float64) []evidence.Warning {
	if !c.stretched() {
		return nil
	}
	return []evidence.Warning{{Code: "other-size", Text: fmt.Sprintf(
		"measured on %s parameters and carried to %s by formulas: time with the weights, activations with their power 2/3; the spread of the gap is widened for it",
		count(measured), count(c.params))}}
}
