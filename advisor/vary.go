package advisor

import (
	"fmt"
	"math"
	"sort"
)

// lever is one input that can be varied to see what it does to the answer.
type lever struct {
	fact, unit string
	now        float64
	low, high  float64 // a plausible range, for the tornado
	min, max   float64 // how far a flip is looked for
	whole      bool    // only whole numbers make sense
	text       func(v float64) string
	phrase     string // what follows the number in a sentence
	at         func(v float64) *account
}

// levers lists what is varied: what a reviewer may doubt.
func (a *account) levers() []lever {
	v, p, s, g := a.worth.usdPerNat, a.price.USDPerHour, a.s, a.f.contrasts[a.lora]
	out := []lever{
		{fact: "usd_per_nat", unit: "$/nat", now: v, text: usd, phrase: "a nat",
			low: v / 4, high: v * 4, min: v / 1e4, max: v * 1e4, at: a.staking(setWorth)},
		{fact: "gap_nats", unit: "nats", now: g.mean, text: nats, phrase: "of gap",
			low: g.mean - p90Sigmas*g.sd, high: g.mean + p90Sigmas*g.sd, min: g.mean - 4*g.sd - 0.1, max: g.mean + 4*g.sd + 0.1, at: a.withGap},
		{fact: "usd_per_gpu_hour", unit: "$/h", now: p, text: usd, phrase: "a GPU hour",
			low: lowPrice(a.price), high: highPrice(a.price), min: p / 100, max: p * 100, at: a.withPrice},
		{fact: "months", unit: "months", now: s.Months, text: plain, phrase: "months",
			low: s.Months / 2, high: math.Min(600, s.Months*2), min: 1, max: math.Min(600, math.Max(s.Months, 120)),
			at: a.staking(func(s *Stakes, v float64) { s.Months = v })},
		{fact: "tasks", unit: "tasks", now: s.Tasks, text: plain, phrase: "tasks", whole: true,
			low: math.Max(1, s.Tasks/2), high: s.Tasks * 2, min: 1, max: math.Max(s.Tasks, 1000),
			at: a.staking(func(s *Stakes, v float64) { s.Tasks = v })},
		{fact: "base_changes_per_year", unit: "1/year", now: s.BaseChangesPerYear, text: plain, phrase: "new base models a year",
			low: 0, high: math.Min(365, 2*s.BaseChangesPerYear+1), min: 0, max: math.Min(365, s.BaseChangesPerYear+24),
			at: a.staking(func(s *Stakes, v float64) { s.BaseChangesPerYear = v })},
	}
	return append(out, a.statedLevers()...)
}

// statedLevers are the stakes that matter only where they were stated.
func (a *account) statedLevers() []lever {
	stated := []lever{
		{fact: "requests_per_month", unit: "requests/month", now: a.s.RequestsPerMonth, text: plain, phrase: "requests a month",
			at: a.staking(func(s *Stakes, v float64) { s.RequestsPerMonth = v })},
		{fact: "deadline_hours", unit: "h", now: a.s.DeadlineHours, text: plain, phrase: "hours to train",
			at: a.staking(func(s *Stakes, v float64) { s.DeadlineHours = v })},
		{fact: "budget_usd", unit: "$", now: a.s.BudgetUSD, text: usd, phrase: "for training",
			at: a.staking(func(s *Stakes, v float64) { s.BudgetUSD = v })},
	}
	var out []lever
	for _, l := range stated {
		if l.now > 0 {
			l.low, l.high, l.min, l.max = l.now/4, l.now*4, l.now/1000, l.now*1000
			out = append(out, l)
		}
	}
	return out
}

// staking prices the findings again with one stake changed.
func (a *account) staking(set func(*Stakes, float64)) func(float64) *account {
	return func(v float64) *account {
		s := a.s
		set(&s, v)
		return accountOf(a.f, s, a.market)
	}
}

func (a *account) withPrice(v float64) *account {
	m := a.market
	m.price.USDPerHour = v
	return accountOf(a.f, a.s, m)
}

// setWorth replaces all that was said of accuracy by one price.
func setWorth(s *Stakes, v float64) {
	s.USDPerNat, s.USDPerPoint, s.ErrorsPerMonth, s.AtRiskUSD = v, 0, 0, 0
}

func lowPrice(p Price) float64 {
	if p.Low > 0 && p.Low < p.USDPerHour {
		return p.Low
	}
	return p.USDPerHour / 2
}

func highPrice(p Price) float64 {
	if p.High > p.USDPerHour {
		return p.High
	}
	return p.USDPerHour * 2
}

// withGap moves the gap of the LoRA arms, everything else unchanged.
func (a *account) withGap(v float64) *account {
	f := a.f
	f.contrasts = append([]contrast{}, a.f.contrasts...)
	shift := v - f.contrasts[a.lora].mean
	for i := range f.contrasts {
		if i != f.full {
			f.contrasts[i].mean += shift
		}
	}
	return accountOf(f, a.s, a.market)
}

// tornado shows what each lever does to the difference of the bills, LoRA less full,
// the widest bar first.
func (a *account) tornado() []Swing {
	var out []Swing
	for _, l := range a.levers() {
		s := Swing{Fact: l.fact, Unit: l.unit, Low: l.low, High: l.high, LowUSD: l.at(l.low).dearer(), HighUSD: l.at(l.high).dearer()}
		s.Flips = s.LowUSD*s.HighUSD < 0
		if finite(s.LowUSD, s.HighUSD, s.Low, s.High) && s.LowUSD != s.HighUSD {
			out = append(out, s)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return width(out[i]) > width(out[j]) })
	return out
}

func width(s Swing) float64 { return math.Abs(s.HighUSD - s.LowUSD) }

// dearer is the best LoRA's total less full's.
func (a *account) dearer() float64 {
	if !a.compares() {
		return math.NaN()
	}
	return a.bills[a.lora].total - a.bills[a.f.full].total
}

// flips finds for each lever the nearest values, below and above, from which on the
// decider answers otherwise.
func (a *account) flips(answer Answer, d Decider) []Flip {
	var out []Flip
	for _, l := range a.levers() {
		for _, end := range []float64{l.min, l.max} {
			if f, ok := l.search(end, answer, d); ok {
				out = append(out, f)
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return distance(out[i]) < distance(out[j]) })
	return out
}

// distance is how far a flip is from today's value, relative to it.
func distance(f Flip) float64 {
	return math.Abs(f.At-f.Now) / math.Max(math.Abs(f.Now), 1e-9)
}

// The search walks from today's value to the end of the range in flipSteps strides,
// then halves the stride in which the answer changed.
const (
	flipSteps   = 8
	flipHalving = 10
)

func (l lever) search(end float64, answer Answer, d Decider) (Flip, bool) {
	same := l.now
	for i := 1; i <= flipSteps; i++ {
		v := l.stride(end, float64(i)/flipSteps)
		if v == same {
			continue
		}
		if got := l.answer(v, d); got != answer && got.Decides() {
			return l.narrow(same, v, answer, got, d), true
		}
		same = v
	}
	return Flip{}, false
}

// stride goes by ratios where both ends are positive, so that a wide range is walked
// evenly, and by differences elsewhere.
func (l lever) stride(end, share float64) float64 {
	v := l.now + (end-l.now)*share
	if l.now > 0 && end > 0 && l.fact != "gap_nats" {
		v = l.now * math.Pow(end/l.now, share)
	}
	if l.whole {
		return math.Round(v)
	}
	return v
}

func (l lever) answer(v float64, d Decider) Answer {
	a := l.at(v)
	if verdict, stop := a.guard(); stop {
		return verdict.Answer
	}
	decide := d.Decide
	if t, ok := d.(Terse); ok {
		decide = t.Terse
	}
	verdict, err := decide(a.features())
	if err != nil {
		return ""
	}
	if _, err := a.name(&verdict); err != nil {
		return ""
	}
	return verdict.Answer
}

// narrow halves the stride from same, which gives today's answer, to other, which does
// not; an answer that settles nothing counts as today's.
func (l lever) narrow(same, other float64, answer, got Answer, d Decider) Flip {
	for range flipHalving {
		mid := (same + other) / 2
		if l.whole {
			mid = math.Round(mid)
		}
		if mid == same || mid == other {
			break
		}
		if x := l.answer(mid, d); x == answer || !x.Decides() {
			same = mid
		} else {
			other, got = mid, x
		}
	}
	return Flip{Fact: l.fact, Now: l.now, At: other, Unit: l.unit, Answer: got, Text: l.sentence(other, got)}
}

// sentence says a flip: "LoRA wins below $12,000 a nat (now $10,000)".
func (l lever) sentence(at float64, got Answer) string {
	if l.fact == "gap_nats" {
		who := "LoRA"
		if got == UseLoRA {
			who = "it"
		}
		return fmt.Sprintf("%s %s where %s ends %s full (now %s)", Call(got), wins(got), who, beyond(at, l.now), standing(l.now))
	}
	side := "above"
	switch {
	case l.whole:
		side = "at"
	case at < l.now:
		side = "below"
	}
	return fmt.Sprintf("%s %s %s %s %s (now %s)", Call(got), wins(got), side, l.text(at), l.phrase, l.text(l.now))
}

// standing says where LoRA's loss lies: "0.06 nats behind".
func standing(gap float64) string {
	if gap < 0 {
		return nats(-gap) + " ahead"
	}
	return nats(gap) + " behind"
}

// beyond says on which side of a gap another answer begins, coming from now.
func beyond(at, now float64) string {
	more := "less than "
	if (at < 0) == (at < now) {
		more = "more than "
	}
	if at < 0 {
		return more + standing(at) + " of"
	}
	return more + standing(at)
}

func wins(a Answer) string {
	if a == Either {
		return "will do"
	}
	return "wins"
}

// Call is an answer's name in a sentence.
func Call(a Answer) string {
	switch a {
	case UseFull:
		return "full"
	case UseLoRA:
		return "LoRA"
	case RaiseRank:
		return "LoRA with a higher rank"
	default:
		return string(a)
	}
}
