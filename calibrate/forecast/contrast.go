package forecast

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// contrast reads a LoRA arm beside full fine-tuning on the same data as one lesson: its
// loss is LoRA's less full's, its unit how far the two have fallen over the grid, and its
// one predictor how far the gap moved over the last doubling of the steps. So nothing is
// foretold of equal curves, and exchanging the methods exchanges the forecast: what is
// learned is not which method tended to win. That the gap's change goes with the gap, its
// earlier motion, the rank, the epochs, or the information to learn over the adapter's
// capacity was tried and dropped: families left out were foretold worse.
func contrast(full, lora Curve, how reading, horizon int) (lesson, bool) {
	f, okFull := readLesson(full, how, horizon)
	l, okLoRA := readLesson(lora, how, horizon)
	if !okFull || !okLoRA || full.Method.Kind != evidence.Full || lora.Method.Kind != evidence.LoRA {
		return lesson{}, false
	}
	unit := math.Max((math.Abs(f.falls[0])+math.Abs(l.falls[0]))/2, leastUnit)
	motion := (f.falls[how.half()] - l.falls[how.half()]) / unit
	return lesson{data: l.data, family: l.family, unit: unit, last: l.last - f.last, falls: []float64{motion}, moved: math.Abs(motion),
		recent: (f.recent + l.recent) / (2 * unit), lag: math.Abs(l.last-f.last) / unit, rest: (l.rest - f.rest) / unit}, true
}

// contrastSettings is the grid for contrasts. That a gap in motion is no surer than one
// at rest is never left to the curves: none of a suite's may cross late, and a user's do.
func contrastSettings() []setting {
	var out []setting
	for _, kappa := range []float64{0.1, 0.3} {
		for _, lag := range []float64{0.1, 0.3} {
			for _, move := range []float64{0.3, 1} {
				out = append(out, setting{Kappa: kappa, Lag: lag, Move: move})
			}
		}
	}
	return out
}

// contrastReading reads as doublingReading does.
func contrastReading(share float64) reading {
	out := doublingReading(share)
	out.Contrast = true
	return out
}

// contrasts are the lessons of every LoRA curve beside full fine-tuning on its data.
func contrasts(curves []Curve, how reading, horizon int) []lesson {
	full := map[string][]Curve{}
	for _, c := range curves {
		if c.Method.Kind == evidence.Full {
			full[c.Data] = append(full[c.Data], c)
		}
	}
	var out []lesson
	for i, c := range curves {
		for _, f := range full[c.Data] {
			if l, ok := contrast(f, c, how, horizon); ok {
				l.curve = i
				out = append(out, l)
			}
		}
	}
	return out
}

// gaps learns how LoRA's loss less full's moves until the horizon. Mixing in what the laws
// say, by how each fared on the finished curves, was tried and dropped: it widened
// intervals that held 80 % to such as held 94 %, and cost Brier score.
func (s *Schooling) gaps(curves []Curve) []Course {
	var out []Course
	for _, share := range s.between(append(steady(), late()...)) {
		how := contrastReading(round(share))
		lessons := lessonsWithout(contrasts(leaders(curves, share), how, ownHorizon))
		if len(lessons) < 8 || len(familiesOf(lessons)) < leastFamilies(how) {
			continue
		}
		var near []Curve
		for off := -1; off <= 1; off++ {
			near = append(near, besideLeaders(curves, share, off)...)
		}
		out = append(out, gapCourse(how, lessons, lessonsWithout(contrasts(near, how, ownHorizon))))
	}
	return out
}

// turned is the share of gaps that ended on the other side of zero, among those that
// ended away from it.
func turned(lessons []lesson) float64 {
	var n, all float64
	for _, l := range lessons {
		if end := l.last + l.rest*l.unit; math.Abs(end) > leastUnit {
			n, all = n+indicator(end*l.last < 0), all+1
		}
	}
	return n / math.Max(1, all)
}

// leastUnit is the smallest fall in nats that is told from none.
const leastUnit = 0.01
