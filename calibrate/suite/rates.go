package suite

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// grid is n rates around the centre, ascending.
func grid(centre float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = round(centre*math.Pow(RateFactor, float64(i)-float64(n-1)/2), 3)
	}
	return out
}

// round keeps so many significant digits.
func round(x float64, digits int) float64 {
	if x == 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return x
	}
	scale := math.Pow(10, float64(digits-1)-math.Floor(math.Log10(math.Abs(x))))
	return math.Round(x*scale) / scale
}

// ladder is one method's learning rates, ascending, each with a leg.
type ladder struct {
	method evidence.Method
	legs   []*leg
	spare  int // rates that may still be added at either end
}

func (l *ladder) best(step int) int {
	at, lowest := -1, math.Inf(1)
	for i, g := range l.legs {
		if loss, ok := g.lossAt(step); ok && loss < lowest {
			at, lowest = i, loss
		}
	}
	return at
}

// window is the best rate at a step and its neighbours.
func (l *ladder) window(step int) []*leg {
	at := max(0, l.best(step))
	return l.legs[max(0, at-1):min(len(l.legs), at+2)]
}

// next are the legs that have to reach the horizon so that the best there lies between
// two others: a neighbour that was left behind, or so many new ones where the rates end;
// none where it does, or where no more are spared. A rate that diverged is a neighbour too.
func (l *ladder) next(horizon, fresh int) []*leg {
	at := max(0, l.best(horizon)) // where all diverged, go lower
	for _, i := range []int{at - 1, at + 1} {
		if i >= 0 && i < len(l.legs) {
			if g := l.legs[i]; g.open() && g.step < horizon {
				return []*leg{g}
			}
			continue
		}
		if n := min(fresh, l.spare); n > 0 {
			l.spare -= n
			return l.grow(i < 0, n)
		}
	}
	return nil
}

// grow adds rates below or above.
func (l *ladder) grow(below bool, n int) []*leg {
	var out []*leg
	for range n {
		if below {
			g := newLeg(l.method, round(l.legs[0].rate/RateFactor, 3))
			l.legs, out = append([]*leg{g}, l.legs...), append(out, g)
		} else {
			g := newLeg(l.method, round(l.legs[len(l.legs)-1].rate*RateFactor, 3))
			l.legs, out = append(l.legs, g), append(out, g)
		}
	}
	return out
}
