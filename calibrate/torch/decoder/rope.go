package decoder

import (
	"math"

	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/torch/shim"
)

// ropeTable holds cosines and sines [positions, rotary/2] of one kind of layer.
type ropeTable struct{ cos, sin shim.Tensor }

// newRopeTable computes the table of a layer in double precision on the host.
func newRopeTable(a *shim.Arena, c hf.Config, layer, positions int) *ropeTable {
	steps, factor := c.Frequencies(layer, positions)
	half := len(steps)
	cos := make([]float32, positions*half)
	sin := make([]float32, positions*half)
	for p := range positions {
		for i, step := range steps {
			// transformers multiplies in fp32, which shows at long positions.
			angle := float64(float32(p) * float32(step))
			cos[p*half+i] = float32(math.Cos(angle) * factor)
			sin[p*half+i] = float32(math.Sin(angle) * factor)
		}
	}
	size := []int64{int64(positions), int64(half)}
	return &ropeTable{a.FromFloat32(cos, size...), a.FromFloat32(sin, size...)}
}
