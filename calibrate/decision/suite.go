package decision

import (
	"fmt"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// Suite is the cases with what is asked of them.
type Suite struct {
	Cases   []Case
	TieNats float64 // a smaller difference at the horizon is a tie, and counts for regret alone
}

// Libraries is what finished curves teach of a case of each family: all the suite's
// curves but that family's, and the public ones.
type Libraries map[string]*forecast.Library

// Teach learns from all the suite's curves but those of each family in turn.
func (s Suite) Teach(options ...forecast.Option) Libraries {
	var all []forecast.Curve
	for _, c := range s.Cases {
		all = append(all, c.Curves()...)
	}
	schooling := forecast.NewSchooling(all, options...)
	out := Libraries{}
	for _, family := range distinct(s.Cases, func(c Case) string { return c.Family }) {
		l := schooling.Library(family)
		out[family] = &l
	}
	return out
}

// Played is a case with its calibration.
type Played struct {
	Case
	Run *evidence.Run
}

// Play replays every case's calibration.
func (s Suite) Play(p Probe, known Libraries) ([]Played, error) {
	var out []Played
	for _, c := range s.Cases {
		library := known[c.Family]
		if library == nil {
			library = &forecast.Library{}
		}
		run, err := c.Calibrate(p, library)
		if err != nil {
			return nil, err
		}
		out = append(out, Played{c, run})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("suite: no data set has full and LoRA curves that reach the horizon; give finished curves with a method, a learning rate, a constant schedule and data each")
	}
	return out, nil
}

// Baselines are their verdicts on replayed cases.
func Baselines(played []Played, p Probe) []Verdicts {
	var out []Verdicts
	for _, d := range baselines() {
		out = append(out, d.over(played, p))
	}
	return out
}

// Forecasts are the calibrations' own verdicts.
func Forecasts(name string, played []Played, p Probe) Verdicts {
	return decider{name, byForecast}.over(played, p)
}

// Unpaired are the verdicts of the arms' forecasts, each by itself.
func Unpaired(name string, played []Played, p Probe) Verdicts {
	return decider{name, unpaired}.over(played, p)
}

func (d decider) over(played []Played, p Probe) Verdicts {
	v := Verdicts{Decider: d.name}
	for _, c := range played {
		gap, _, _ := c.Gap(p.Horizon, p.Ranks...)
		v.Calls = append(v.Calls, Call{c.Data, c.Family, gap, d.say(c.Case, c.Run)})
	}
	return v
}
