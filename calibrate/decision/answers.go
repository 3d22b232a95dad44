package decision

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// Answered is how often a calibration names a method instead of asking for more, and how
// often it is right then, over calls that are no ties. Right counts both ways of asking:
// by the forecast's probability alone, and besides only where no lead is being lost, as
// the forecast's regime has it.
type Answered struct {
	Margin float64 `json:"margin_nats"`
	Calls  int     `json:"calls"`
	// Sure are the calls with a probability of nine in ten for either answer, Named
	// those of them whose lead does not fade.
	Sure, SureRight   int
	Named, NamedRight int
	// Fading are all leads that fade, FadingRight those that were right nevertheless.
	Fading, FadingRight int
}

// decided is the probability from which on the forecast's regime counts a gap as decided.
const decided = 0.9

// Answers counts them for each margin.
func Answers(played []Played, p Probe, tieNats float64) []Answered {
	var out []Answered
	for _, margin := range p.Margins {
		a := Answered{Margin: margin}
		for _, c := range played {
			gap, _, _ := c.Gap(p.Horizon, p.Ranks...)
			call := Call{c.Data, c.Family, gap, margin, byForecast(c.Case, c.Run, margin)}
			if !call.tie(tieNats) {
				a.count(call, best(c.Run).Trend.Fades(margin))
			}
		}
		out = append(out, a)
	}
	return out
}

func (a *Answered) count(c Call, fades bool) {
	right := int(fullIf(c.right()))
	a.Calls++
	if fades {
		a.Fading, a.FadingRight = a.Fading+1, a.FadingRight+right
	}
	if c.confidence() < decided {
		return
	}
	a.Sure, a.SureRight = a.Sure+1, a.SureRight+right
	if !fades {
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
