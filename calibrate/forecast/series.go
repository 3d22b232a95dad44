package forecast

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// series is what a law fits: losses y at optimizer steps t, ascending.
type series struct {
	t, y  []float64
	sched evidence.Schedule
}

// seriesOf turns points into a series. Where a point is a mean over the block of
// steps before it, its place is the block's middle.
func seriesOf(points []evidence.Point, block int, sched evidence.Schedule) series {
	s := series{sched: sched}
	for _, p := range points {
		s.t = append(s.t, math.Max(0, float64(p.Step)-float64(block)/2))
		s.y = append(s.y, p.Loss)
	}
	return s
}

func (s series) n() int { return len(s.t) }

func (s series) last() (step, loss float64) { return s.t[len(s.t)-1], s.y[len(s.y)-1] }

// first is the series' first n points.
func (s series) first(n int) series { return series{t: s.t[:n], y: s.y[:n], sched: s.sched} }

// begun drops step 0, where power laws have no value.
func (s series) begun() series {
	if s.n() > 0 && s.t[0] <= 0 {
		s.t, s.y = s.t[1:], s.y[1:]
	}
	return s
}

// span is the range of the losses, never zero: the scale on which errors count.
func (s series) span() float64 {
	low, high := s.y[0], s.y[0]
	for _, y := range s.y {
		low, high = math.Min(low, y), math.Max(high, y)
	}
	return math.Max(high-low, 1e-3*math.Max(math.Abs(high), 1e-3))
}
