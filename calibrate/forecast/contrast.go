package forecast

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// contrast reads a LoRA arm beside full fine-tuning on the same data as one lesson: its
// loss is LoRA's less full's, its unit how far the two have fallen over the grid. What
// goes on after the probe is foretold better from both curves together than from each
// by itself: whatever both have in common cancels.
func contrast(full, lora Curve, how reading, horizon int) (lesson, bool) {
	f, okFull := readLesson(full, how, horizon)
	l, okLoRA := readLesson(lora, how, horizon)
	if !okFull || !okLoRA || full.Method.Kind != evidence.Full || lora.Method.Kind != evidence.LoRA {
		return lesson{}, false
	}
	unit := math.Max((math.Abs(f.falls[0])+math.Abs(l.falls[0]))/2, leastUnit)
	out := lesson{data: l.data, family: l.family, unit: unit, last: l.last - f.last,
		recent: (f.recent + l.recent) / (2 * unit), lag: math.Abs(l.last-f.last) / unit, rest: (l.rest - f.rest) / unit}
	out.falls = append(out.falls, out.last/unit)
	for k := range how.Grid[:len(how.Grid)-1] {
		if k%2 == 0 {
			out.falls = append(out.falls, (l.falls[k]-f.falls[k])/unit)
		}
	}
	out.falls = append(out.falls, f.falls[how.half()]/unit, l.falls[how.half()]/unit, 1/math.Sqrt(math.Max(1, float64(lora.Method.Rank))))
	if how.Facts {
		out.falls = append(out.falls, crowding(full, lora, int(how.Grid[len(how.Grid)-1]*float64(horizon))), repetition(lora))
	}
	return out, true
}

// contrastSettings is the grid for contrasts. They have more predictors that go together
// than single curves have, and a search only comes near the rates that taught, so small
// ridges are left out: on made-up curves they foretold rates off the best very badly.
func contrastSettings() []setting {
	var out []setting
	for _, kappa := range []float64{0.05, 0.2} {
		for _, lag := range []float64{0.1, 0.3} {
			for _, penalty := range []float64{0.1, 1, 10} {
				out = append(out, setting{kappa, lag, penalty})
			}
		}
	}
	return out
}

// contrastReading reads as doublingReading does.
func contrastReading(share float64, facts bool) reading {
	out := doublingReading(share)
	out.Contrast, out.Facts = true, facts
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
				l.curve, l.beside = i, f.neighbours() || c.neighbours()
				out = append(out, l)
			}
		}
	}
	return out
}

// gaps learns what becomes of LoRA's loss less full's, with what is known of data and
// adapter as predictors where that foretells families better that were left out.
func (s *Schooling) gaps(curves []Curve) []Course {
	var out []Course
	for _, share := range s.between(steady()) {
		curves := tuned(curves)
		var best Course
		most := math.Inf(-1)
		for _, facts := range []bool{false, true}[:2-int(indicator(s.blind))] {
			how := contrastReading(round(share), facts)
			lessons := lessonsWithout(contrasts(curves, how, ownHorizon))
			if len(lessons) < 8 || len(familiesOf(lessons)) < leastFamilies(how) {
				continue
			}
			if c, found := courseOf(how, lessons, contrastSettings()); found > most {
				best, most = c, found
			}
		}
		if math.IsInf(most, -1) {
			continue
		}
		s.weigh(&best, curves)
		out = append(out, best)
	}
	return out
}

// weigh sets how much a course of gaps counts against the laws.
func (s *Schooling) weigh(c *Course, curves []Curve) {
	arms, _ := cut(curves, c.Share, ownHorizon)
	byName := map[string]belief{}
	full := map[string]belief{}
	for _, a := range arms {
		if a.neighbours() {
			continue
		}
		b := s.believe(a, c.Share)
		byName[a.Name] = b
		if a.Method.Kind == evidence.Full {
			full[a.Data] = b
		}
	}
	var misses []float64
	var rivals []rivalry
	about := school{course: *c, known: map[[2]string]taught{}}
	for _, l := range lessonsWithout(contrasts(curves, c.reading, ownHorizon)) {
		b, okLoRA := byName[curves[l.curve].Name]
		f, okFull := full[l.data]
		if !okLoRA || !okFull || l.beside {
			continue
		}
		truth := l.last + l.rest*l.unit
		d := paired(b, f, 1)
		misses = append(misses, math.Abs(truth-d.centre())/d.spread())
		rivals = append(rivals, rivalry{d, about.without(l, l).arm(l).below(0), truth < 0})
	}
	c.Widening, c.WideningPaired = 1, round(factor(misses))
	c.Trust = trustOf(rivals, c.WideningPaired)
}

// leastUnit is the smallest fall in nats that is told from none.
const leastUnit = 0.01

// crowding is ln(1 + demand/capacity): what the probe has learned so far, as bits over
// an epoch, against what the adapter holds; 0 where that is not known.
func crowding(full, lora Curve, until int) float64 {
	best := math.Min(lowest(full.Points, until).Loss, lowest(lora.Points, until).Loss)
	if lora.Facts.Trainable == 0 || full.Points[0].Step > 0 {
		return 0
	}
	return math.Log1p(DemandBits(full.Points[0].Loss, best, lora.Facts.EpochTokens) / CapacityBits(lora.Facts.Trainable))
}

// repetition is the logarithm of how often the horizon sees the data beyond once.
func repetition(c Curve) float64 { return math.Log(math.Max(1, c.Facts.Epochs)) }
