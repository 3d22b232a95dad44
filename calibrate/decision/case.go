package decision

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strings"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// Case is one data set with its finished curves at constant learning rates.
type Case struct {
	Data   string // base/domain
	Family string // what is left out together
	Facts  Facts
	arms   []course // one a method, full first, then by rank
}

// Facts are what a calibration would have measured of the data set besides losses, as
// a curve file's about has them.
type Facts struct {
	Model  evidence.Model  `json:"base"`
	Data   evidence.Data   `json:"data"`
	Domain evidence.Domain `json:"domain"`
}

// ParseFacts reads a curve file's about.
func ParseFacts(file []byte) (Facts, error) {
	var f struct {
		About Facts `json:"about"`
	}
	err := json.Unmarshal(file, &f)
	return f.About, err
}

// course is one method's curves by learning rate, ascending.
type course struct {
	method evidence.Method
	curves []forecast.Curve
}

// Cases groups curves by their data set; those without a method, a learning rate or a
// constant schedule are left out, as are data sets without both methods at the horizon. So
// are further seeds, which were trained at the best rates alone: a calibration that
// searches for rates cannot be played on them.
func Cases(curves []forecast.Curve, facts map[string]Facts, horizon int) []Case {
	byData := map[string]*Case{}
	var names []string
	for _, c := range curves {
		if c.Method.Kind == "" || c.Rate <= 0 || c.Schedule.Shape != evidence.Constant || c.Seed > 1 || len(c.Points) < 2 {
			continue
		}
		if byData[c.Data] == nil {
			byData[c.Data] = &Case{Data: c.Data, Family: c.Family, Facts: facts[c.Data]}
			names = append(names, c.Data)
		}
		byData[c.Data].add(c)
	}
	slices.Sort(names)
	var out []Case
	for _, name := range names {
		c := byData[name]
		slices.SortFunc(c.arms, func(a, b course) int { return cmp.Compare(a.method.Rank, b.method.Rank) })
		if _, _, ok := c.Gap(horizon); ok {
			out = append(out, *c)
		}
	}
	return out
}

func (c *Case) add(curve forecast.Curve) {
	i := slices.IndexFunc(c.arms, func(a course) bool { return a.method == curve.Method })
	if i < 0 {
		i = len(c.arms)
		c.arms = append(c.arms, course{method: curve.Method})
	}
	a := &c.arms[i]
	a.curves = append(a.curves, curve)
	slices.SortFunc(a.curves, func(x, y forecast.Curve) int { return cmp.Compare(x.Rate, y.Rate) })
}

// Base is the model that the data set was learned by.
func (c Case) Base() string {
	base, _, _ := strings.Cut(c.Data, "/")
	return base
}

// Curves are all the case's curves.
func (c Case) Curves() []forecast.Curve {
	var out []forecast.Curve
	for _, a := range c.arms {
		out = append(out, a.curves...)
	}
	return out
}

// Ranks are the LoRA ranks that the case has, ascending.
func (c Case) Ranks() []int {
	var out []int
	for _, a := range c.arms {
		if a.method.Kind == evidence.LoRA {
			out = append(out, a.method.Rank)
		}
	}
	return out
}

// course finds a method's curves by kind and rank.
func (c Case) course(m evidence.Method) (course, bool) {
	for _, a := range c.arms {
		if a.method.Kind == m.Kind && a.method.Rank == m.Rank {
			return a, true
		}
	}
	return course{}, false
}

// Gap is the best LoRA's loss less the best full's at the horizon and at the best
// checkpoint on the way, in nats, among LoRA's ranks given, or all.
func (c Case) Gap(horizon int, ranks ...int) (atHorizon, atBest float64, ok bool) {
	ends := map[evidence.Kind]float64{evidence.Full: math.Inf(1), evidence.LoRA: math.Inf(1)}
	bests := map[evidence.Kind]float64{evidence.Full: math.Inf(1), evidence.LoRA: math.Inf(1)}
	for _, a := range c.arms {
		if a.method.Kind == evidence.LoRA && len(ranks) > 0 && !slices.Contains(ranks, a.method.Rank) {
			continue
		}
		_, end, best := a.truth(horizon)
		ends[a.method.Kind] = math.Min(ends[a.method.Kind], end)
		bests[a.method.Kind] = math.Min(bests[a.method.Kind], best)
	}
	atHorizon, atBest = ends[evidence.LoRA]-ends[evidence.Full], bests[evidence.LoRA]-bests[evidence.Full]
	return atHorizon, atBest, !math.IsInf(atHorizon, 0) && !math.IsNaN(atHorizon)
}

// truth is the learning rate that is best at the horizon with its loss there, and the
// lowest loss of any rate on the way; infinite where no curve comes to the horizon.
func (a course) truth(horizon int) (rate, end, best float64) {
	end, best = math.Inf(1), math.Inf(1)
	for _, c := range a.curves {
		if loss, ok := c.Target(horizon); ok && loss < end {
			rate, end = c.Rate, loss
		}
		for _, p := range c.Points {
			if p.Step <= horizon && p.Loss < best {
				best = p.Loss
			}
		}
	}
	return rate, end, best
}
