package advisor

import (
	"fmt"
	"strconv"
)

// assumptions lists every value the answer rests on that was not measured: stakes with
// where they were set, the price and its table, and what was derived.
func (a account) assumptions(origins map[string]string) []Assumption {
	out := []Assumption{a.worthAssumption(), a.priceAssumption()}
	s := a.s
	for _, f := range stakeFields() {
		if as, ok := f.assumption(&s, origins); ok {
			out = append(out, as)
		}
	}
	return out
}

func (a account) worthAssumption() Assumption {
	as := Assumption{Name: "value of a nat, in all", Value: usd(a.worth.usdPerNat), Origin: "derived"}
	if a.worth.assumed {
		as.Origin = "default"
	}
	for i, p := range a.worth.parts {
		if sep := ", plus "; i > 0 {
			as.Value += sep + p
			continue
		}
		as.Value += ": " + p
	}
	return as
}

func (a account) priceAssumption() Assumption {
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
func (f field) assumption(s *Stakes, origins map[string]string) (Assumption, bool) {
	origin := origins[f.key]
	if origin == "" {
		origin = "default"
	}
	as := Assumption{Name: f.key, Origin: origin}
	if f.flag != nil {
		as.Value = strconv.FormatBool(*f.flag(s))
		return as, *f.flag(s)
	}
	v := *f.number(s)
	as.Value = strconv.FormatFloat(v, 'g', 6, 64) + " " + f.unit + " (" + f.text + ")"
	return as, v != 0 || origin != "default"
}
