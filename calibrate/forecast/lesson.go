package forecast

import (
	"math"
	"slices"
)

// lesson is a curve at one share of its horizon, as finished curves teach and
// unfinished ones are foretold: differences only, in units of how far the curves on
// the same data have fallen, so that neither the level of the loss nor its scale
// matters.
type lesson struct {
	curve  int // index among the curves it was read from
	data   string
	family string
	unit   float64 // nats: median total fall of the curves on the same data
	last   float64 // nats: loss at the share
	// falls are the losses at the grid's earlier shares less the last, in units, and
	// recent the one nearest to half the share: the scale of the errors that an
	// extrapolation makes. Traits of the method may follow.
	falls  []float64
	recent float64
	// lag is the last loss less that of the best arm on the same data, in units.
	lag float64
	// moved is how far a gap went over the last doubling of the steps, in units; zero
	// for a single curve. A gap that is still closing or opening says little of its end.
	moved float64
	// rest is the loss at the horizon less the last, in units; NaN if unfinished.
	rest float64
}

// lessonsOf reads curves at a share of the horizon, leaving out those that do not
// cover the grid until there. What lies beyond the share is read for rest alone.
func lessonsOf(curves []Curve, how reading, horizon int) []lesson {
	var out []lesson
	byData := map[string][]int{}
	for i, c := range curves {
		l, ok := readLesson(c, how, horizon)
		if !ok {
			continue
		}
		l.curve = i
		byData[c.Data] = append(byData[c.Data], len(out))
		out = append(out, l)
	}
	for _, group := range byData {
		normalise(out, group)
		for _, i := range group {
			out[i].falls = append(out[i].falls, how.traits(curves[out[i].curve].Method)...)
		}
	}
	return out
}

// readLesson reads one curve in nats; false where it does not span the grid.
func readLesson(c Curve, how reading, horizon int) (lesson, bool) {
	g := how.Grid
	if len(g) < 2 || how.Traits && c.Method.Kind == "" {
		return lesson{}, false
	}
	share := g[len(g)-1]
	seen := c.upTo(share * float64(horizon)).Points
	first, end := g[0]*float64(horizon), g[len(g)-2]*float64(horizon)
	if len(seen) < 2 || float64(seen[0].Step) > first*1.01 || float64(seen[len(seen)-1].Step) <= end {
		return lesson{}, false
	}
	l := lesson{data: c.Data, family: c.family(), last: at(seen, share*float64(horizon)), rest: math.NaN()}
	for _, s := range g[:len(g)-1] {
		l.falls = append(l.falls, at(seen, s*float64(horizon))-l.last)
	}
	l.recent = math.Abs(l.falls[how.half()])
	if target, ok := c.Target(horizon); ok {
		l.rest = target - l.last
	}
	return l, true
}

// normalise brings the lessons of one data set to their common unit.
func normalise(lessons []lesson, group []int) {
	var totals, lasts []float64
	for _, i := range group {
		totals = append(totals, math.Abs(lessons[i].falls[0]))
		lasts = append(lasts, lessons[i].last)
	}
	unit, best := math.Max(median(totals), 1e-6), slices.Min(lasts)
	for _, i := range group {
		l := &lessons[i]
		l.unit, l.lag, l.rest = unit, (l.last-best)/unit, l.rest/unit
		l.recent /= unit
		for k := range l.falls {
			l.falls[k] /= unit
		}
	}
}

// median is the middle of the values; zero of none.
func median(x []float64) float64 { return percentile(x, 0.5) }

// percentile interpolates between the values; zero of none.
func percentile(x []float64, share float64) float64 {
	if len(x) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(x))
	place := share * float64(len(sorted)-1)
	low := int(place)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (place-float64(low))*(sorted[high]-sorted[low])
}
