package forecast

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// reading is how curves are read to be compared with finished ones.
type reading struct {
	// Grid is the shares of the horizon at which losses are read, ascending; the last
	// is how far the curves were seen.
	Grid []float64 `json:"grid"`
	// Traits says that the method itself is a predictor: full fine-tuning goes on
	// falling where a low rank has stopped.
	Traits bool `json:"traits,omitempty"`
	// Contrast says that LoRA is read beside full fine-tuning.
	Contrast bool `json:"contrast,omitempty"`
}

// evenReading steps by twentieths of the horizon, as losses averaged over blocks allow.
func evenReading(share float64) reading {
	var out reading
	for n := 1; n <= int(math.Floor(20*share+1e-6)); n++ {
		out.Grid = append(out.Grid, round(float64(n)/20))
	}
	return out
}

// doublingReading halves the share in steps of the square root of two, down to an
// eighth: what a held-out loss was early tells a plateau from a slow start.
func doublingReading(share float64) reading {
	out := reading{Traits: true}
	for k := 6; k >= 0; k-- {
		out.Grid = append(out.Grid, share*math.Pow(2, -float64(k)/2))
	}
	return out
}

// stretched moves a doubling grid to another last share; what was learned a little
// earlier or later on a curve holds there too, since only ratios of steps count.
func (r reading) stretched(share float64) reading {
	out := r
	out.Grid = nil
	for _, s := range r.Grid {
		out.Grid = append(out.Grid, s*share/r.Grid[len(r.Grid)-1])
	}
	return out
}

// half is the place of the grid point nearest to half the last share.
func (r reading) half() int {
	best, share := 0, r.Grid[len(r.Grid)-1]
	for i, s := range r.Grid[:len(r.Grid)-1] {
		if math.Abs(s-share/2) < math.Abs(r.Grid[best]-share/2)-1e-9 {
			best = i
		}
	}
	return best
}

// terms is the number of predictors.
func (r reading) terms() int {
	switch {
	case r.Contrast:
		return 1
	case r.Traits:
		return len(r.Grid) + 1
	}
	return len(r.Grid) - 1
}

// traits are whether the method is full fine-tuning, and how narrow its adapter is:
// the inverse root of the rank.
func (r reading) traits(m evidence.Method) []float64 {
	switch {
	case !r.Traits:
		return nil
	case m.Kind == evidence.Full:
		return []float64{1, 0}
	}
	return []float64{0, 1 / math.Sqrt(math.Max(1, float64(m.Rank)))}
}
