package forecast

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// contrast reads a LoRA arm beside full fine-tuning on the same data as one lesson: its
// loss is LoRA's less full's, its unit how far the two have fallen over the grid. All of
// its predictors are differences of the two curves, so that nothing is foretold of equal
// ones. That the gap's change goes with the rank, the epochs, or the information to learn
// over the adapter's capacity was tried and dropped: families left out were foretold worse.
func contrast(full, lora Curve, how reading, horizon int) (lesson, bool) {
	f, okFull := readLesson(full, how, horizon)
	l, okLoRA := readLesson(lora, how, horizon)
	if !okFull || !okLoRA || full.Method.Kind != evidence.Full || lora.Method.Kind != evidence.LoRA {
		return lesson{}, false
	}
	unit := math.Max((math.Abs(f.falls[0])+math.Abs(l.falls[0]))/2, leastUnit)
	out := lesson{data: l.data, family: l.family, unit: unit, last: l.last - f.last,
		recent: (f.recent + l.recent) / (2 * unit), lag: math.Abs(l.last-f.last) / unit, rest: (l.rest - f.rest) / unit}
	out.moved = math.Abs(l.falls[how.half()]-f.falls[how.half()]) / unit
	out.falls = append(out.falls, out.last/unit)
	for k := range how.Grid[:len(how.Grid)-1] {
		if k%2 == 0 {
			out.falls = append(out.falls, (l.falls[k]-f.falls[k])/unit)
		}
	}
	return out, true
}

// mirrored adds to each lesson the same with the methods exchanged, so that no more is
// learned than follows from the curves: not which method tended to win.
func mirrored(lessons []lesson) []lesson {
	var out []lesson
	for _, l := range lessons {
		m := l
		m.last, m.rest, m.falls = -l.last, -l.rest, make([]float64, len(l.falls))
		for k, x := range l.falls {
			m.falls[k] = -x
		}
		out = append(out, l, m)
	}
	return out
}

// contrastSettings is the grid for contrasts. The heaviest ridge leaves no predictor: the
// gap stays what it is, and finished curves tell by how much it may move. That a gap in
// motion is no surer than one at rest is never left to the curves: none of a suite's may
// cross late, and a user's do.
func contrastSettings() []setting {
	var out []setting
	for _, kappa := range []float64{0.1, 0.3} {
		for _, lag := range []float64{0.1, 0.3} {
			for _, move := range []float64{0.3, 1} {
				for _, penalty := range []float64{1, 30, 1e6} {
					out = append(out, setting{Kappa: kappa, Lag: lag, Move: move, Ridge: penalty})
				}
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
		how, curves := contrastReading(round(share)), leaders(curves, share)
		lessons := lessonsWithout(contrasts(curves, how, ownHorizon))
		if len(lessons) < 8 || len(familiesOf(lessons)) < leastFamilies(how) {
			continue
		}
		c, _ := courseOf(how, mirrored(lessons), contrastSettings())
		c.Residuals = evenOnes(c.Residuals)
		c.Trust, c.Widening, c.WideningPaired, c.Turned = 1, 1, 1, round(turned(lessons))
		out = append(out, c)
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

// evenOnes leaves out of mirrored errors the mirror's.
func evenOnes(all []Residual) []Residual {
	var out []Residual
	for i := 0; i < len(all); i += 2 {
		out = append(out, all[i])
	}
	return out
}

// leastUnit is the smallest fall in nats that is told from none.
const leastUnit = 0.01
