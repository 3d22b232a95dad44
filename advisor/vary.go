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
	at         func(v float64) account
	text       func(v float64) string
}

// levers lists what is varied: what a reviewer may doubt.
func (a account) levers(prices PriceTable) []lever {
	stake := func(set func(*Stakes, float64)) func(float64) account {
		return func(v float64) account {
			s := a.s
			set(&s, v)
			return accountOf(a.f, s, prices)
		}
	}
	g := a.f.contrasts[a.lora]
	out := []lever{
		{fact: "usd_per_nat", unit: "$/nat", now: a.worth.usdPerNat, text: suffixed(usd, "a nat"),
			low: a.worth.usdPerNat / 4, high: a.worth.usdPerNat * 4, min: a.worth.usdPerNat / 1e4, max: a.worth.usdPerNat * 1e4, at: stake(setWorth)},
		{fact: "gap_nats", unit: "nats", now: g.mean, text: suffixed(nats, "of gap"),
			low: g.mean - p90Sigmas*g.sd, high: g.mean + p90Sigmas*g.sd, min: g.mean - 4*g.sd - 0.1, max: g.mean + 4*g.sd + 0.1, at: a.withGap(prices)},
		{fact: "usd_per_gpu_hour", unit: "$/h", now: a.price.USDPerHour, text: suffixed(usd, "a GPU hour"), low: lowPrice(a.price), high: highPrice(a.price),
			min: a.price.USDPerHour / 100, max: a.price.USDPerHour * 100, at: stake(func(s *Stakes, v float64) { s.USDPerGPUHour = v })},
		{fact: "months", unit: "months", now: a.s.Months, text: suffixed(plain, "months"), low: a.s.Months / 2, high: math.Min(600, a.s.Months*2),
			min: 1, max: math.Min(600, math.Max(a.s.Months, 120)), at: stake(func(s *Stakes, v float64) { s.Months = v })},
		{fact: "tasks", unit: "tasks", now: a.s.Tasks, text: suffixed(plain, "tasks"), low: math.Max(1, a.s.Tasks/2), high: a.s.Tasks * 2,
			min: 1, max: math.Max(a.s.Tasks, 1000), at: stake(func(s *Stakes, v float64) { s.Tasks = math.Round(v) })},
		{fact: "base_changes_per_year", unit: "1/year", now: a.s.BaseChangesPerYear, text: suffixed(plain, "new base models a year"), low: 0, high: math.Min(365, 2*a.s.BaseChangesPerYear+1),
			min: 0, max: math.Min(365, a.s.BaseChangesPerYear+24), at: stake(func(s *Stakes, v float64) { s.BaseChangesPerYear = v })},
	}
	if a.s.RequestsPerMonth > 0 {
		out = append(out, lever{fact: "requests_per_month", unit: "requests/month", now: a.s.RequestsPerMonth, text: suffixed(plain, "requests a month"),
			low: a.s.RequestsPerMonth / 4, high: a.s.RequestsPerMonth * 4, min: a.s.RequestsPerMonth / 1000, max: a.s.RequestsPerMonth * 1000,
			at: stake(func(s *Stakes, v float64) { s.RequestsPerMonth = v })})
	}
	return out
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

func suffixed(text func(float64) string, suffix string) func(float64) string {
	return func(v float64) string { return text(v) + " " + suffix }
}

func plain(v float64) string { return fmt.Sprintf("%.3g", v) }

// withGap moves the gap of the LoRA arm in question, everything else unchanged.
func (a account) withGap(prices PriceTable) func(float64) account {
	return func(v float64) account {
		f := a.f
		f.contrasts = append([]contrast{}, a.f.contrasts...)
		shift := v - f.contrasts[a.lora].mean
		for i := range f.contrasts {
			if i != f.full {
				f.contrasts[i].mean += shift
			}
		}
		return accountOf(f, a.s, prices)
	}
}

// tornado shows what each lever does to the difference of the bills, LoRA less full,
// the widest bar first.
func (a account) tornado(prices PriceTable) []Swing {
	var out []Swing
	for _, l := range a.levers(prices) {
		s := Swing{Fact: l.fact, Unit: l.unit, Low: l.low, High: l.high, LowUSD: l.at(l.low).dearer(), HighUSD: l.at(l.high).dearer()}
		s.Flips = s.LowUSD*s.HighUSD < 0
		if finite(s.LowUSD, s.HighUSD, s.Low, s.High) {
			out = append(out, s)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return width(out[i]) > width(out[j]) })
	return out
}

func width(s Swing) float64 { return math.Abs(s.HighUSD - s.LowUSD) }

// dearer is the best LoRA's total less full's.
func (a account) dearer() float64 {
	if !a.compares() {
		return math.NaN()
	}
	return a.bills[a.lora].total - a.bills[a.f.full].total
}

// flips finds for each lever the nearest values, below and above, from which on the
// decider answers otherwise.
func (a account) flips(answer Answer, d Decider, prices PriceTable) []Flip {
	var out []Flip
	for _, l := range a.levers(prices) {
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
	if l.now > 0 && end > 0 && l.fact != "gap_nats" {
		return l.now * math.Pow(end/l.now, share)
	}
	return l.now + (end-l.now)*share
}

func (l lever) answer(v float64, d Decider) Answer {
	a := l.at(v)
	if verdict, stop := a.guard(); stop {
		return verdict.Answer
	}
	verdict, err := d.Decide(a.features())
	if err != nil {
		return ""
	}
	if _, err := a.name(&verdict); err != nil {
		return ""
	}
	return verdict.Answer
}

func (l lever) narrow(same, other float64, answer, got Answer, d Decider) Flip {
	for range flipHalving {
		mid := (same + other) / 2
		if x := l.answer(mid, d); x == answer || !x.Decides() {
			same = mid
		} else {
			other, got = mid, x
		}
	}
	side := "above"
	if other < l.now {
		side = "below"
	}
	f := Flip{Fact: l.fact, Now: l.now, At: other, Unit: l.unit, Answer: got}
	f.Text = fmt.Sprintf("%s %s %s %s (now %s)", Call(got), wins(got), side, l.text(other), l.text(l.now))
	return f
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
	}
	return string(a)
}
