package forecast

import "math"

// riseLaw continues a curve that has turned up, as held-out loss does when a small
// set is over-fitted: straight in ln(step) through its points since the lowest one.
func riseLaw(s series) (func(float64) float64, bool) {
	s = s.begun()
	low := lowestIndex(s.y)
	if s.n()-low < 3 {
		return nil, false
	}
	end, last := s.last()
	rate := (last - s.y[low]) / math.Log(end/s.t[low])
	if rate <= 0 {
		return nil, false
	}
	return func(step float64) float64 { return last + rate*math.Log(math.Max(step, 1)/end) }, true
}

func lowestIndex(y []float64) int {
	low := 0
	for i, v := range y {
		if v < y[low] {
			low = i
		}
	}
	return low
}
