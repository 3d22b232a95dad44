package advisor

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// assumptions lists every value the answer rests on that was not measured: stakes with
// where they were set, the price and its table, and what was derived.
func (a *account) assumptions(origins map[string]string) []Assumption {
	out := []Assumption{a.worthAssumption(), a.priceAssumption()}
	s := a.s
	defaults := DefaultStakes()
	for _, f := range stakeFields() {
		if as, ok := f.assumption(&s, &defaults, origins); ok {
			out = append(out, as)
		}
	}
	return out
}

// worthName is the assumption that every bill's accuracy rests on.
const worthName = "value of a nat, in all"

// MoneyBasis says what the options' totals rest on: what a nat was said to be worth, or
// that nobody said it. It is empty where nothing was priced.
func (r *Recommendation) MoneyBasis() string {
	priced := slices.ContainsFunc(r.Options, func(o Option) bool { return len(o.Costs) > 0 })
	worth := usd(r.Features["usd_per_nat"])
	for _, as := range r.Assumptions {
		switch {
		case as.Name != worthName || !priced:
		case as.Origin == "default":
			return fmt.Sprintf("The totals count each nat of held-out loss above the best at %s, a default that nobody confirmed: "+
				"--usd-per-nat, --usd-per-point, --usd-per-error or --at-risk-usd say what it is worth to you.", worth)
		default:
			return fmt.Sprintf("The totals count each nat of held-out loss above the best at %s, by what was said of accuracy.", worth)
		}
	}
	return ""
}

func (a *account) worthAssumption() Assumption {
	as := Assumption{Name: worthName, Value: usd(a.worth.usdPerNat), Origin: "derived"}
	if a.worth.assumed {
		as.Origin = "default"
	}
	if parts := a.worth.words(a.s); len(parts) > 0 {
		as.Value += ": " + strings.Join(parts, ", plus ")
	}
	return as
}

func (a *account) priceAssumption() Assumption {
	value := usd(a.price.USDPerHour) + " an hour for " + orThisDevice(a.price.Name)
	if a.price.Low < a.price.High {
		value += fmt.Sprintf(" (providers ask %s to %s)", usd(a.price.Low), usd(a.price.High))
	}
	return Assumption{Name: "price of the device", Value: value, Origin: a.price.Origin}
}

func orThisDevice(name string) string {
	if name == "" {
		return "this device"
	}
	return name
}

// assumption shows a stake, unless it is an unset limit or an unsaid value.
func (f field) assumption(s, defaults *Stakes, origins map[string]string) (Assumption, bool) {
	origin := origins[f.key]
	switch {
	case origin != "":
	case f.same(s, defaults):
		origin = "default"
	default:
		origin = "stated"
	}
	as := Assumption{Name: f.key, Origin: origin}
	if f.flag != nil {
		as.Value = strconv.FormatBool(*f.flag(s))
		return as, *f.flag(s)
	}
	v := *f.number(s)
	as.Value = amount(v, f.unit) + " (" + f.text + ")"
	return as, v != 0 || origin != "default"
}

// exact prints a stake to six figures, a large or whole one as it was given.
func exact(v float64) string {
	if v >= 1e6 || v >= 1000 && v == math.Trunc(v) {
		return Thousands(v)
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

func (f field) same(s, other *Stakes) bool {
	if f.flag != nil {
		return *f.flag(s) == *f.flag(other)
	}
	return *f.number(s) == *f.number(other)
}
