package hf

import "math"

// Frequencies returns the angular step of each rotated pair of a layer, in radians a
// position (RoFormer, arXiv 2104.09864, section 3.2.2, with the config's scaling), and
// the factor on cosine and sine. seqLength matters to dynamic scaling alone.
func (c Config) Frequencies(layer, seqLength int) (steps []float64, factor float64) {
	if c.RopeThetaLocal != 0 && c.LayerSliding[layer] {
		return powers(c.RopeThetaLocal, c.HeadDim), 1
	}
	s := c.RopeScaling
	if s == nil {
		return powers(c.RopeTheta, c.HeadDim), 1
	}
	switch s.Type {
	case "dynamic":
		return powers(s.dynamicTheta(c, seqLength), c.HeadDim), 1
	case "llama3":
		return s.llama3(powers(c.RopeTheta, c.HeadDim)), 1
	case "yarn":
		return s.yarn(c), s.yarnFactor()
	}
	return divided(powers(c.RopeTheta, c.HeadDim), s.Factor), 1 // linear
}

// powers returns theta^(-2i/dim) for each pair i.
func powers(theta float64, dim int) []float64 {
	steps := make([]float64, dim/2)
	for i := range steps {
		steps[i] = math.Pow(theta, -2*float64(i)/float64(dim))
	}
	return steps
}

func divided(steps []float64, by float64) []float64 {
	for i := range steps {
		steps[i] /= by
	}
	return steps
}

// dynamicTheta is the NTK-aware base for a sequence beyond the trained length. Like
// transformers it measures against max_position_embeddings.
func (s *RopeScaling) dynamicTheta(c Config, seqLength int) float64 {
	share := float64(max(seqLength, c.MaxPositions)) / float64(c.MaxPositions)
	dim := float64(c.HeadDim)
	return c.RopeTheta * math.Pow(s.Factor*share-(s.Factor-1), dim/(dim-2))
}

// llama3 stretches long waves, keeps short ones and blends those between (Llama 3.1's
// reference code; arXiv 2407.21783).
func (s *RopeScaling) llama3(steps []float64) []float64 {
	original := float64(s.OriginalPositions)
	for i, step := range steps {
		wave := 2 * math.Pi / step
		blend := (original/wave - s.LowFreqFactor) / (s.HighFreqFactor - s.LowFreqFactor)
		blend = min(1, max(0, blend))
		steps[i] = (1-blend)*step/s.Factor + blend*step
	}
	return steps
}

// yarn interpolates the dimensions that turn less than BetaSlow times over the trained
// length, keeps those that turn more than BetaFast times, and ramps between (arXiv
// 2309.00071, section 3.2).
func (s *RopeScaling) yarn(c Config) []float64 {
	low, high := s.yarnDim(c, s.BetaFast), s.yarnDim(c, s.BetaSlow)
	if s.Truncate {
		low, high = math.Floor(low), math.Ceil(high)
	}
	low, high = max(low, 0), min(high, float64(c.HeadDim-1))
	if low == high {
		high += 0.001 // as transformers does, against a division by zero
	}
	steps := powers(c.RopeTheta, c.HeadDim)
	for i, step := range steps {
		ramp := min(1, max(0, (float64(i)-low)/(high-low)))
		steps[i] = step/s.Factor*ramp + step*(1-ramp)
	}
	return steps
}

// yarnDim is the dimension that turns so many times over the trained length.
func (s *RopeScaling) yarnDim(c Config, turns float64) float64 {
	return float64(c.HeadDim) * math.Log(float64(s.OriginalPositions)/(turns*2*math.Pi)) / (2 * math.Log(c.RopeTheta))
}

// yarnFactor scales attention by way of cosine and sine (arXiv 2309.00071, eq. 22).
func (s *RopeScaling) yarnFactor() float64 {
	scale := func(m float64) float64 {
		if s.Factor <= 1 {
			return 1
		}
		return 0.1*m*math.Log(s.Factor) + 1
	}
	switch {
	case s.AttentionFactor != 0:
		return s.AttentionFactor
	case s.MScale != 0 && s.MScaleAllDim != 0:
		return scale(s.MScale) / scale(s.MScaleAllDim)
	}
	return scale(1)
}
