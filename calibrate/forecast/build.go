package forecast

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"sync"

	"ftadvise/calibrate/evidence"
)

// twentieths are the shares of the horizon at which decaying curves are learned from.
func twentieths() []float64 {
	var out []float64
	for n := 2; n <= 16; n++ {
		out = append(out, float64(n)/20)
	}
	return out
}

// steady are those for constant rates: even in ln(step), since probes are short.
func steady() []float64 { return geometric(0.02, 0.8, 12) }

// late are shares for gaps besides, from which little can change any more, so that a tie
// can be told from what is not known.
func late() []float64 { return []float64{0.9, 0.95} }

// ownHorizon is the length to which every finished curve is stretched.
const ownHorizon = 10000

// Schooling is finished curves to learn from, with what is costly about it done once,
// so that families can be left out in turn, or several at the same time.
type Schooling struct {
	curves   []Curve // as given
	scaled   []Curve // those that can teach, stretched to the same length
	mu       sync.Mutex
	believed map[believedAt]belief
	// Shares outside are not learned.
	from, to float64
}

// Option changes what a Schooling learns.
type Option func(*Schooling)

// believedAt is one curve seen to a share, without knowledge of others.
type believedAt struct {
	curve string
	share float64
}

// Between learns no shares of the horizon but those in a range, for a replay's sake.
func Between(from, to float64) Option { return func(s *Schooling) { s.from, s.to = from, to } }

// between are the shares in the range.
func (s *Schooling) between(shares []float64) []float64 {
	return slices.DeleteFunc(shares, func(x float64) bool { return s.to > 0 && (x < s.from || x > s.to) })
}

// NewSchooling reads finished curves, to the last step of any on their data. Curves on
// the same data share Data; Family is what is left out together; names are distinct.
func NewSchooling(curves []Curve, options ...Option) *Schooling {
	s := &Schooling{curves: curves, believed: map[believedAt]belief{}}
	ends := map[string]int{}
	for _, c := range curves {
		if len(c.Points) > 1 {
			ends[c.Data] = max(ends[c.Data], c.Points[len(c.Points)-1].Step)
		}
	}
	for _, c := range curves {
		if len(c.Points) > 1 {
			s.scaled = append(s.scaled, c.scaled(ends[c.Data], ownHorizon))
		}
	}
	for _, o := range options {
		o(s)
	}
	return s
}

// BuildLibrary learns from finished curves what a Schooling of them teaches.
func BuildLibrary(curves []Curve) Library { return NewSchooling(curves).Library() }

// Library is what the curves teach when families are left out. Curves under a constant
// rate and under a decaying one are learned from apart; fewer than eight of a kind
// teach nothing.
func (s *Schooling) Library(without ...string) Library {
	out := Library{Schema: LibrarySchema}
	var decaying, constant []Curve
	for _, c := range s.scaled {
		switch {
		case slices.Contains(without, c.family()):
		case c.constant():
			constant = append(constant, c)
		default:
			decaying = append(decaying, c)
		}
	}
	left := slices.DeleteFunc(slices.Clone(s.curves), func(c Curve) bool { return slices.Contains(without, c.family()) })
	out.Sources = distinct(left, func(c Curve) string { return c.Data })
	out.Decaying = s.courses(decaying, twentieths(), evenReading)
	out.Constant = s.courses(constant, steady(), doublingReading)
	out.Gaps = s.gaps(constant)
	out.Drift = driftOf(constant)
	return out
}

// believe is what the laws alone say of a curve seen to a share.
func (s *Schooling) believe(a arm, share float64) belief {
	key := believedAt{a.Name, share}
	s.mu.Lock()
	b, ok := s.believed[key]
	s.mu.Unlock()
	if !ok {
		b = believe(a, ownHorizon, 1)
		s.mu.Lock()
		s.believed[key] = b
		s.mu.Unlock()
	}
	return b
}

// scaled stretches a curve's steps so that a step becomes the horizon.
func (c Curve) scaled(from, horizon int) Curve {
	factor := float64(horizon) / math.Max(1, float64(from))
	scale := func(step int) int { return int(math.Round(float64(step) * factor)) }
	points := make([]evidence.Point, len(c.Points))
	for i, p := range c.Points {
		points[i] = evidence.Point{Step: scale(p.Step), Loss: p.Loss}
	}
	c.Points, c.BlockSteps = points, scale(c.BlockSteps)
	c.Schedule.WarmupSteps, c.Schedule.DecayStart, c.Schedule.TotalSteps =
		scale(c.Schedule.WarmupSteps), scale(c.Schedule.DecayStart), scale(c.Schedule.TotalSteps)
	return c
}

// leaders keeps of each method on each data set the curve with the lowest loss at a share
// of the horizon, as a probe that ends there trains it, until there; it ends with the
// loss of the rate that is best at the horizon, at which a user would train.
func leaders(curves []Curve, share float64) []Curve { return besideLeaders(curves, share, 0) }

// besideLeaders keeps those whose rates are off places above the leaders', where there
// are such: no probe meets the best rate exactly.
func besideLeaders(curves []Curve, share float64, off int) []Curve {
	groups := byMethod(curves)
	step := share * ownHorizon
	var out []Curve
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		then, _ := bestRate(groups[key], step)
		end, n := bestRate(groups[key], ownHorizon)
		group := slices.DeleteFunc(slices.Clone(groups[key]), func(c Curve) bool { return float64(c.Points[len(c.Points)-1].Step) < step })
		slices.SortFunc(group, func(a, b Curve) int { return cmp.Compare(a.Rate, b.Rate) })
		place := off + slices.IndexFunc(group, func(c Curve) bool { return c.Name == then.Name })
		if n == 0 || place < 0 || place >= len(group) {
			continue
		}
		then = group[place]
		then.Points = slices.Clone(then.upTo(step).Points)
		then.Points = append(then.Points, evidence.Point{Step: ownHorizon, Loss: at(end.Points, ownHorizon)})
		out = append(out, then)
	}
	return out
}

func (s *Schooling) courses(curves []Curve, shares []float64, read func(float64) reading) []Course {
	var out []Course
	for _, share := range s.between(shares) {
		how, curves := read(round(share)), curves
		if how.Traits {
			curves = leaders(curves, share)
		}
		lessons := lessonsWithout(lessonsOf(curves, how, ownHorizon))
		if len(lessons) < 8 || len(familiesOf(lessons)) < leastFamilies(how) {
			continue
		}
		c, _ := courseOf(how, lessons, settings())
		s.judge(&c, curves)
		out = append(out, c)
	}
	return out
}

// leastFamilies is how many families a course needs. Constant-rate curves of a suite
// have a domain for a family: what a few of them have in common may be chance.
func leastFamilies(how reading) int {
	if how.Traits {
		return 4
	}
	return 3
}

// judge measures the laws on the finished curves: how much they understate their
// errors, and whether the regression is the better guide to differences.
func (s *Schooling) judge(c *Course, curves []Curve) {
	arms, _ := cut(curves, c.Share, ownHorizon)
	lessons := map[string]lesson{}
	for _, l := range lessonsWithout(lessonsOf(curves, c.reading, ownHorizon)) {
		lessons[curves[l.curve].Name] = l
	}
	var beliefs []belief
	var misses, missesPaired []float64
	var rivals []rivalry
	about := school{course: *c, known: map[[2]string]taught{}}
	for _, a := range arms {
		l, ok := lessons[a.Name]
		if !ok {
			continue
		}
		b := s.believe(a, c.Share)
		truth := l.last + l.rest*l.unit
		misses = append(misses, math.Abs(truth-b.loss.centre())/b.loss.spread())
		for _, other := range beliefs {
			lo := lessons[other.Name]
			if other.Data != b.Data {
				continue
			}
			truth := l.last + l.rest*l.unit - lo.last - lo.rest*lo.unit
			d := paired(b, other, 1)
			missesPaired = append(missesPaired, math.Abs(truth-d.centre())/d.spread())
			_, better := about.without(l, lo).pair(l, lo)
			rivals = append(rivals, rivalry{d, better, truth < 0})
		}
		beliefs = append(beliefs, b)
	}
	c.Widening, c.WideningPaired = round(factor(misses)), round(factor(missesPaired))
	c.Trust = trustOf(rivals, c.WideningPaired)
}

// rivalry is one pair with what the laws and the regression said of it.
type rivalry struct {
	laws   mixture
	better float64 // by the regression
	truth  bool
}

// trustOf is the share of the regression that makes the Brier score of the blended
// probability smallest, in steps of a tenth.
func trustOf(rivals []rivalry, widening float64) float64 {
	best, least := 1.0, math.Inf(1)
	for tenth := 10; tenth >= 0; tenth-- {
		share, score := float64(tenth)/10, 0.0
		for _, r := range rivals {
			p := share*r.better + (1-share)*r.laws.widened(widening, 0).below(0)
			if r.truth {
				p = 1 - p
			}
			score += p * p
		}
		if score < least {
			best, least = share, score
		}
	}
	return best
}

// factor is by how much a spread must grow for its 80 % interval to cover 80 %; an
// interval is never narrowed.
func factor(misses []float64) float64 { return math.Max(1, percentile(misses, 0.8)/z90) }
