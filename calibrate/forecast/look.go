package forecast

import "ftadvise/calibrate/evidence"

// outlook is what all arms together say about the horizon.
type outlook struct {
	horizon int
	courses []Course
	beliefs []belief
	lessons map[int]lesson // of the arms that the library can judge, by index
	course  Course         // at the share that those arms have reached
	known   map[[2]string]taught
}

// fallbackWidening stands where the library has no course at all: constant-rate
// curves of small models, one eighth to half seen, needed factors of 0.5 to 1.5.
const fallbackWidening = 1.5

// look extrapolates arms by the laws and, where finished curves under the same kind
// of schedule are known, by what they taught.
func look(arms []arm, horizon int, library *Library) outlook {
	o := outlook{horizon: horizon, courses: library.courses(arms[0].Schedule), lessons: map[int]lesson{},
		known: map[[2]string]taught{}}
	share := float64(shortest(arms)) / float64(horizon)
	single, _ := widening(o.courses, share)
	for _, a := range arms {
		o.beliefs = append(o.beliefs, believe(a, horizon, single))
	}
	known := false
	if o.course, known = course(o.courses, share); known {
		o.teach(arms)
	}
	return o
}

// shortest is the last step that every arm has seen.
func shortest(arms []arm) int {
	least := arms[0].last().Step
	for _, a := range arms {
		least = min(least, a.last().Step)
	}
	return least
}

// teach blends what the course says into each arm's forecast.
func (o *outlook) teach(arms []arm) {
	curves := make([]Curve, len(arms))
	for i, a := range arms {
		curves[i] = a.Curve
	}
	for _, l := range lessonsOf(curves, o.course.reading, o.horizon) {
		b := &o.beliefs[l.curve]
		if b.measured || len(b.decays) > 0 {
			continue
		}
		o.lessons[l.curve] = l
		b.trust = o.course.trust(l.data)
		b.loss = blend(b.loss, o.without(l, l).arm(l), b.trust)
		b.misfit = b.misfit && b.trust < 0.5
	}
}

// difference is the loss of arm i less that of arm k at the horizon.
func (o outlook) difference(i, k int) mixture {
	a, b := o.beliefs[i], o.beliefs[k]
	_, factor := widening(o.courses, float64(min(a.last().Step, b.last().Step))/float64(o.horizon))
	laws := paired(a, b, factor)
	la, okA := o.lessons[i]
	lb, okB := o.lessons[k]
	if !okA || !okB || a.Data != b.Data {
		return laws
	}
	return blend(laws, o.without(la, lb).gap(la, lb), a.trust)
}

// without is what the course teaches of two arms, remembered for the next pair of
// the same families.
func (o outlook) without(a, b lesson) taught {
	key := [2]string{min(a.family, b.family), max(a.family, b.family)}
	t, ok := o.known[key]
	if !ok {
		t = o.course.taught(key[0], key[1])
		o.known[key] = t
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

// courses chooses by schedule. Where it is not known, the rate is taken to fall to
// zero at the horizon, as the trainers' defaults do.
func (l *Library) courses(s evidence.Schedule) []Course {
	if s.Shape == evidence.Constant {
		return l.Constant
	}
	return l.Decaying
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
