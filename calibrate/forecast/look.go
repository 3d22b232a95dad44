package forecast

import (
	"fmt"
	"math"

	"ftadvise/calibrate/evidence"
)

// outlook is what all arms together say about the horizon.
type outlook struct {
	horizon int
	beliefs []belief
	schools map[bool]*school // by whether the learning rate stays constant
	lessons map[int]lesson   // of the arms that a school can judge, by index
	beside  []Course         // what finished curves teach of LoRA beside full
	known   map[besideAt]taught
}

// besideAt is one course of gaps without a family.
type besideAt struct {
	share  float64
	family string
}

// school is what finished curves under one kind of schedule teach about arms that
// have come equally far.
type school struct {
	courses []Course
	course  Course
	known   map[[2]string]taught
}

// fallbackWidening stands where the library has no course at all: constant-rate
// curves of small models, one eighth to half seen, needed factors of 0.5 to 1.5.
const fallbackWidening = 1.5

// look extrapolates arms by the laws and, where finished curves under the same kind
// of schedule are known, by what they taught.
func look(arms []arm, horizon int, library *Library) outlook {
	o := outlook{horizon: horizon, beliefs: make([]belief, len(arms)), lessons: map[int]lesson{}, beside: library.Gaps, known: map[besideAt]taught{}, schools: map[bool]*school{
		true:  {courses: library.Constant, known: map[[2]string]taught{}},
		false: {courses: library.Decaying, known: map[[2]string]taught{}},
	}}
	for constant, s := range o.schools {
		var places []int
		for i, a := range arms {
			if a.constant() == constant {
				places = append(places, i)
			}
		}
		if len(places) > 0 {
			o.attend(s, arms, places)
		}
	}
	return o
}

// constant reports a learning rate that stays. Where the schedule is not known, the
// rate is taken to fall to zero at the horizon, as the trainers' defaults do.
func (c Curve) constant() bool { return c.Schedule.Shape == evidence.Constant }

// attend forecasts the arms of one kind of schedule.
func (o *outlook) attend(s *school, arms []arm, places []int) {
	least := math.MaxInt
	for _, i := range places {
		least = min(least, arms[i].last().Step)
	}
	share := float64(least) / float64(o.horizon)
	factor, _ := widening(s.courses, share)
	curves := make([]Curve, len(places))
	for k, i := range places {
		o.beliefs[i], curves[k] = believe(arms[i], o.horizon, factor), arms[i].Curve
	}
	var ok bool
	if s.course, ok = course(s.courses, share); !ok {
		return
	}
	for _, l := range lessonsOf(curves, s.course.reading, o.horizon) {
		i := places[l.curve]
		if b := &o.beliefs[i]; !b.measured {
			o.lessons[i] = l
			b.trust = s.course.trust(l.data)
			b.loss = blend(b.loss, s.without(l, l).arm(l), b.trust)
			b.misfit = b.misfit && b.trust < 0.5
		}
	}
}

// difference is the loss of arm i less that of arm k at the horizon.
func (o outlook) difference(i, k int) mixture {
	a, b := o.beliefs[i], o.beliefs[k]
	s := o.schools[a.constant()]
	_, factor := widening(s.courses, float64(min(a.last().Step, b.last().Step))/float64(o.horizon))
	laws := paired(a, b, factor)
	if known, trust, ok := o.contrasted(a, b); ok {
		return blend(laws, known, trust)
	}
	la, okA := o.lessons[i]
	lb, okB := o.lessons[k]
	if !okA || !okB || a.Data != b.Data || a.constant() != b.constant() {
		return laws
	}
	return blend(laws, s.without(la, lb).gap(la, lb), a.trust)
}

// contrasted is what finished curves teach of a LoRA arm beside full, either way round,
// and how far that is trusted.
func (o outlook) contrasted(a, b belief) (known mixture, trust float64, ok bool) {
	if a.Method.Kind == evidence.Full && b.Method.Kind == evidence.LoRA {
		known, trust, ok = o.contrasted(b, a)
		return known.negative(), trust, ok
	}
	if a.measured || b.measured || a.Data != b.Data || !a.constant() || !b.constant() {
		return known, 0, false
	}
	c, grown, ok := beside(o.beside, float64(min(a.last().Step, b.last().Step))/float64(o.horizon))
	if !ok {
		return known, 0, false
	}
	l, ok := contrast(b.Curve, a.Curve, c.reading, o.horizon)
	if !ok {
		return known, 0, false
	}
	key := besideAt{c.Share, l.family}
	if _, done := o.known[key]; !done {
		o.known[key] = c.taught(l.family)
	}
	return o.known[key].arm(l).widened(grown, seedNoisePaired), c.trust(l.data), true
}

// without is what the course teaches of two arms, remembered for the next pair of
// the same families.
func (s *school) without(a, b lesson) taught {
	key := [2]string{min(a.family, b.family), max(a.family, b.family)}
	t, ok := s.known[key]
	if !ok {
		t = s.course.taught(key[0], key[1])
		s.known[key] = t
	}
	return t
}

// blend mixes two distributions; share is the second's.
func blend(a, b mixture, share float64) mixture {
	var out mixture
	for i, w := range a.weight {
		if share < 1 {
			out.add(w*(1-share), a.mean[i], a.sd[i])
		}
	}
	for i, w := range b.weight {
		if share > 0 {
			out.add(w*share, b.mean[i], b.sd[i])
		}
	}
	return out
}

// widening is the factor by which the laws' errors grow, for an arm and for a
// difference, from the nearest course below a share, or else from the lowest one.
func widening(courses []Course, share float64) (single, paired float64) {
	if len(courses) == 0 {
		return fallbackWidening, fallbackWidening
	}
	c, ok := course(courses, share)
	if !ok {
		c = courses[0]
	}
	return c.Widening, c.WideningPaired
}

// unknownSchedules warns of curves whose schedule had to be assumed.
func unknownSchedules(arms []arm) []evidence.Warning {
	var names []string
	for _, a := range arms {
		if a.Schedule.Shape == "" {
			names = append(names, a.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	which := "The curve " + names[0] + " does"
	if len(names) > 1 {
		which = fmt.Sprintf("%d of the curves (%s, ...) do", len(names), names[0])
	}
	return []evidence.Warning{{Code: "unknown-schedule", Text: which +
		" not say how the learning rate goes; it is taken to fall to zero at the horizon. Log the learning rate to be sure."}}
}
