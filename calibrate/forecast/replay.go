package forecast

import (
	"math"
	"slices"
)

// Replay scores forecasters on finished curves: each sees a share of every curve and
// foretells the target. Whatever is fitted on curves is fitted on other families than
// those of the arm, or of both arms of the pair, that it is scored on.
type Replay struct {
	Curves  []Curve // finished, under one kind of schedule; pairs share Data
	Horizon int
	// Ceiling leaves curves that ended above it out of the pairs; they still teach.
	Ceiling float64
	// Library is what the program ships; nil takes the embedded one.
	Library *Library
}

// pairOutcome is one pair with what a forecaster said of it.
type pairOutcome struct {
	a, b   int
	truth  float64 // loss of a less loss of b
	guess  float64
	better float64 // probability that a's loss is lower
}

// armOutcome is one curve with what a forecaster said of it.
type armOutcome struct {
	curve int
	truth float64
	loss  mixture
}

// outcomes are all that a forecaster said at one share.
type outcomes struct {
	pairs []pairOutcome
	arms  []armOutcome
}

// forecaster is one row of the table.
type forecaster struct {
	name string
	run  func(Replay, float64) (outcomes, error)
}

// forecasters lists the baselines and what is measured against them.
func forecasters() []forecaster {
	return []forecaster{
		{"last value", func(r Replay, share float64) (outcomes, error) { return r.byPoint(share, LastLoss), nil }},
		{"power law", func(r Replay, share float64) (outcomes, error) { return r.byPoint(share, PowerLoss), nil }},
		{"Hill law", func(r Replay, share float64) (outcomes, error) { return r.byPoint(share, pointHill), nil }},
		{"laws mixed, widened", Replay.byLaws},
		{"finished curves, lag unweighted", func(r Replay, share float64) (outcomes, error) {
			return r.byLibrary(share, slices.DeleteFunc(settings(), func(s setting) bool { return s.Lag > 0 })), nil
		}},
		{"finished curves", func(r Replay, share float64) (outcomes, error) { return r.byLibrary(share, settings()), nil }},
		{"as shipped", Replay.asShipped},
	}
}

// scored lists the curves that take part in pairs.
func (r Replay) scored() []int {
	var out []int
	for i := range r.Curves {
		if r.target(i) < r.Ceiling {
			out = append(out, i)
		}
	}
	return out
}

// target is what became of a curve; NaN if it did not reach the horizon.
func (r Replay) target(i int) float64 {
	target, ok := r.Curves[i].Target(r.Horizon)
	if !ok {
		return math.NaN()
	}
	return target
}

// eachPair calls do for every pair of scored curves.
func (r Replay) eachPair(do func(a, b int)) {
	scored := r.scored()
	for i, a := range scored {
		for _, b := range scored[:i] {
			if r.Curves[a].Data == r.Curves[b].Data {
				do(a, b)
			}
		}
	}
}

// byLibrary foretells by regressions on the other families' finished curves, fitted
// anew for each pair of families.
func (r Replay) byLibrary(share float64, settings []setting) outcomes {
	lessons := lessonsOf(r.Curves, r.reading(share), r.Horizon)
	known := map[[2]string]taught{}
	about := func(a, b lesson) taught {
		key := [2]string{min(a.family, b.family), max(a.family, b.family)}
		if _, ok := known[key]; !ok {
			known[key] = teach(lessonsWithout(lessons, key[0], key[1]), settings)
		}
		return known[key]
	}
	byCurve := map[int]lesson{}
	for _, l := range lessons {
		byCurve[l.curve] = l
	}
	var out outcomes
	r.eachPair(func(a, b int) {
		la, lb := byCurve[a], byCurve[b]
		difference, better := about(la, lb).pair(la, lb)
		out.pairs = append(out.pairs, pairOutcome{a, b, r.target(a) - r.target(b), difference, better})
	})
	for _, l := range lessons {
		out.arms = append(out.arms, armOutcome{l.curve, r.target(l.curve), about(l, l).arm(l)})
	}
	return out
}

// reading is the one of the curves' kind of schedule.
func (r Replay) reading(share float64) reading {
	if r.Curves[0].constant() {
		return doublingReading(share)
	}
	return evenReading(share)
}

// lessonsWithout keeps what the finished curves of other families teach.
func lessonsWithout(lessons []lesson, families ...string) []lesson {
	return slices.DeleteFunc(slices.Clone(lessons), func(l lesson) bool {
		return math.IsNaN(l.rest) || slices.Contains(families, l.family)
	})
}

// byLaws foretells by the mixture of laws, widened as the shipped library says.
func (r Replay) byLaws(share float64) (outcomes, error) {
	library, err := r.library()
	if err != nil {
		return outcomes{}, err
	}
	without := *library
	without.Decaying, without.Constant = untrusted(library.Decaying), untrusted(library.Constant)
	r.Library = &without
	return r.asShipped(share)
}

// untrusted is the courses with the laws alone to speak.
func untrusted(courses []Course) []Course {
	out := slices.Clone(courses)
	for i := range out {
		out[i].Trust = 0
	}
	return out
}

func (r Replay) library() (*Library, error) {
	if r.Library != nil {
		return r.Library, nil
	}
	return Embedded()
}

// asShipped foretells as Curves does.
func (r Replay) asShipped(share float64) (outcomes, error) {
	library, err := r.library()
	if err != nil {
		return outcomes{}, err
	}
	arms, _ := cut(r.Curves, share, r.Horizon)
	o := look(arms, r.Horizon, library)
	index := map[string]int{}
	for i, b := range o.beliefs {
		index[b.Name] = i
	}
	var out outcomes
	for i, c := range r.Curves {
		if k, ok := index[c.Name]; ok {
			out.arms = append(out.arms, armOutcome{i, r.target(i), o.beliefs[k].loss})
		}
	}
	r.eachPair(func(a, b int) {
		i, okA := index[r.Curves[a].Name]
		k, okB := index[r.Curves[b].Name]
		if okA && okB {
			d := o.difference(i, k)
			out.pairs = append(out.pairs, pairOutcome{a, b, r.target(a) - r.target(b), d.centre(), o.better(i, k)})
		}
	})
	return out, nil
}
