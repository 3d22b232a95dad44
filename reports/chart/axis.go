package chart

import "math"

// Axis is one dimension of a plot.
type Axis struct {
	Title  string
	Format func(float64) string
	Log    bool
	Zero   bool    // zero is in the range
	Unit   float64 // ticks are round numbers of this; 0 means 1
}

// scale maps data to pixels on a line.
type scale struct {
	lo, hi   float64 // data, of the logarithm where log
	from, to float64 // pixels
	log      bool
}

// newScale covers the finite values; an empty or flat range is widened so that
// everything has a place.
func (a Axis) newScale(values []float64, from, to float64) scale {
	s := scale{lo: math.Inf(1), hi: math.Inf(-1), from: from, to: to, log: a.Log}
	if a.Zero {
		s.lo, s.hi = 0, 0
	}
	for _, v := range values {
		if v = s.unit(v); finite(v) {
			s.lo, s.hi = math.Min(s.lo, v), math.Max(s.hi, v)
		}
	}
	if !finite(s.lo, s.hi) {
		s.lo, s.hi = 0, 1
	}
	// Sums of huge values could overflow: nothing real is beyond this.
	s.lo, s.hi = math.Max(s.lo, -1e300), math.Min(s.hi, 1e300)
	if s.hi-s.lo <= 1e-12*math.Max(math.Abs(s.lo), math.Abs(s.hi)) {
		pad := math.Max(math.Abs(s.hi)*0.05, 1e-9)
		s.lo, s.hi = s.lo-pad, s.hi+pad
		if a.Zero {
			s.lo, s.hi = math.Max(s.lo, 0), math.Max(s.hi, 1e-9)
		}
	}
	return s
}

func (s scale) unit(v float64) float64 {
	if !s.log {
		return v
	}
	if v <= 0 {
		return math.NaN()
	}
	return math.Log10(v)
}

// at gives the pixel of a value, NaN for one that has no place.
func (s scale) at(v float64) float64 {
	at := s.from + (s.unit(v)-s.lo)/(s.hi-s.lo)*(s.to-s.from)
	return math.Min(math.Max(at, -farOut), farOut)
}

// farOut is beyond every picture and yet a coordinate that browsers draw with.
const farOut = 20_000

// ticks gives about n round values of the axis on a scale.
func (a Axis) ticks(s scale, n int) []float64 {
	if a.Unit <= 0 || s.log {
		return s.ticks(n)
	}
	s.lo, s.hi = s.lo/a.Unit, s.hi/a.Unit
	out := s.ticks(n)
	for i := range out {
		out[i] *= a.Unit
	}
	return out
}

// pad widens the range by a share of itself on both sides.
func (s scale) pad(share float64) scale {
	d := (s.hi - s.lo) * share
	s.lo, s.hi = s.lo-d, s.hi+d
	return s
}

// ticks gives about n round values inside the range, in data units.
func (s scale) ticks(n int) []float64 {
	if s.log {
		return s.logTicks(n)
	}
	step := niceStep((s.hi - s.lo) / float64(max(1, n)))
	var out []float64
	for i := math.Ceil(s.lo/step - 1e-9); i*step <= s.hi+step*1e-9 && len(out) < 50; i++ {
		out = append(out, i*step+0) // +0 turns -0 into 0
	}
	return out
}

func (s scale) logTicks(n int) []float64 {
	every := []float64{1, 2, 5}
	if s.hi-s.lo > float64(n)/2 {
		every = []float64{1}
	}
	stride := math.Max(1, math.Ceil((s.hi-s.lo)/float64(max(1, n))))
	var out []float64
	for e := math.Floor(s.lo); e <= s.hi && len(out) < 50; e += stride {
		for _, m := range every {
			if v := e + math.Log10(m); v >= s.lo-1e-9 && v <= s.hi+1e-9 {
				out = append(out, m*math.Pow(10, e))
			}
		}
	}
	return out
}

// niceStep rounds up to 1, 2 or 5 times a power of ten.
func niceStep(raw float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5} {
		if raw <= m*power {
			return m * power
		}
	}
	return 10 * power
}
