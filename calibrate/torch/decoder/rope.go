package decoder

import (
	"math"

	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/torch/shim"
)

// ropeTable holds cosines and sines [positions, rotary/2] for one base.
type ropeTable struct{ cos, sin shim.Tensor }

// newRopeTable computes the table in double precision on the host.
func newRopeTable(a *shim.Arena, c hf.Config, theta float64, scaling *hf.RopeScaling, positions int) ropeTable {
	half := rotaryDim(c) / 2
	freq := make([]float64, half)
	for i := range freq {
		freq[i] = math.Pow(theta, -float64(2*i)/float64(2*half))
	}
	factor := scaleFrequencies(freq, scaling, theta, c.MaxPositions, positions)
	cos := make([]float32, positions*half)
	sin := make([]float32, positions*half)
	for p := range positions {
		for i, f := range freq {
			// transformers multiplies in fp32, which shows at long positions.
			angle := float64(float32(p) * float32(f))
			cos[p*half+i] = float32(math.Cos(angle) * factor)
			sin[p*half+i] = float32(math.Sin(angle) * factor)
		}
	}
	size := []int64{int64(positions), int64(half)}
	return ropeTable{a.FromFloat32(cos, size...), a.FromFloat32(sin, size...)}
}

func rotaryDim(c hf.Config) int {
	return int(float64(c.HeadDim)*c.RotaryShare) / 2 * 2
}

// scaleFrequencies stretches the frequencies in place and returns the factor of cosines
// and sines, which is 1 but for yarn.
func scaleFrequencies(freq []float64, s *hf.RopeScaling, theta float64, maxPositions, positions int) float64 {
	if s == nil {
		return 1
	}
	switch s.Type {
	case "linear":
		for i := range freq {
			freq[i] /= s.Factor
		}
	case "dynamic":
		dynamicNTK(freq, s, theta, maxPositions, positions)
	case "llama3":
		llama3(freq, s)
	case "yarn":
		return yarn(freq, s, theta, maxPositions)
	}
	return 1
}

// dynamicNTK raises the base once the sequence is longer than the model was trained for.
func dynamicNTK(freq []float64, s *hf.RopeScaling, theta float64, maxPositions, positions int) {
	if positions <= maxPositions {
		return
	}
	dim := float64(2 * len(freq))
	stretch := s.Factor*float64(positions)/float64(maxPositions) - (s.Factor - 1)
	base := theta * math.Pow(stretch, dim/(dim-2))
	for i := range freq {
		freq[i] = math.Pow(base, -float64(2*i)/dim)
	}
}

// llama3 stretches long waves, keeps short ones and blends between (Llama 3.1).
func llama3(freq []float64, s *hf.RopeScaling) {
	old := float64(s.OriginalPositions)
	longest, shortest := old/s.LowFreqFactor, old/s.HighFreqFactor
	for i, f := range freq {
		wave := 2 * math.Pi / f
		switch {
		case wave > longest:
			freq[i] = f / s.Factor
		case wave >= shortest:
			blend := (old/wave - s.LowFreqFactor) / (s.HighFreqFactor - s.LowFreqFactor)
			freq[i] = (1-blend)*f/s.Factor + blend*f
		}
	}
}

// yarn interpolates slow dimensions and keeps fast ones (arXiv 2309.00071).
func yarn(freq []float64, s *hf.RopeScaling, theta float64, maxPositions int) float64 {
	old := float64(s.OriginalPositions)
	if old == 0 {
		old = float64(maxPositions)
	}
	dim := float64(2 * len(freq))
	correction := func(rotations float64) float64 {
		return dim * math.Log(old/(rotations*2*math.Pi)) / (2 * math.Log(theta))
	}
	low, high := correction(s.BetaFast), correction(s.BetaSlow)
	if s.Truncate {
		low, high = math.Floor(low), math.Ceil(high)
	}
	low, high = max(low, 0), min(high, dim-1)
	if low == high {
		high += 0.001
	}
	for i, f := range freq {
		ramp := min(max((float64(i)-low)/(high-low), 0), 1)
		freq[i] = f/s.Factor*ramp + f*(1-ramp)
	}
	return yarnFactor(s)
}

func yarnFactor(s *hf.RopeScaling) float64 {
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
	default:
		return scale(1)
	}
}
