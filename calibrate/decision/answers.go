package decision

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// Answered is how often a calibration names a method instead of asking for more, and how
// often it is right then, over calls that are no ties: by the forecast's probability
// alone, and as the shipped policies do, which besides ask for more where a lead is being
// lost or too little was seen.
type Answered struct {
	Margin float64 `json:"margin_nats"`
	Calls  int     `json:"calls"`
	// Sure are the calls with a confidence of .8, Named those of them in which no lead
	// fades and enough was seen.
	Sure, SureRight   int
	Named, NamedRight int
	// Fading are all leads that fade, FadingRight those that were right nevertheless.
	Fading, FadingRight int
}

// Answers counts them for each margin.
func Answers(played []Played, p Probe, tieNats float64) []Answered {
	var out []Answered
	for _, margin := range p.Margins {
		a := Answered{Margin: margin}
		for _, c := range played {
			gap, _, _ := c.Gap(p.Horizon, p.Ranks...)
			call := Call{c.Data, c.Family, gap, margin, byForecast(c.Case, c.Run, margin)}
			if !call.tie(tieNats) {
				g := best(c.Run)
				a.count(call, g.Trend.Fades(margin), g.Early)
			}
		}
		out = append(out, a)
	}
	return out
}

func (a *Answered) count(c Call, fades, early bool) {
	right := int(fullIf(c.right()))
	a.Calls++
	if fades {
		a.Fading, a.FadingRight = a.Fading+1, a.FadingRight+right
	}
	if c.confidence() < sure {
		return
	}
	a.Sure, a.SureRight = a.Sure+1, a.SureRight+right
	if !fades && !early {
		a.Named, a.NamedRight = a.Named+1, a.NamedRight+right
	}
}

// best is the gap of the LoRA arm that is expected to be best.
func best(run *evidence.Run) evidence.Gap {
	out := evidence.Gap{PFullBetter: 0.5, AtHorizon: evidence.Distribution{Mean: math.Inf(1)}}
	for _, g := range run.Gaps {
		if g.AtHorizon.Mean < out.AtHorizon.Mean {
			out = g
		}
	}
	return out
}
