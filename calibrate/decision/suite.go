package decision

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// Suite is the cases with what is asked of them.
type Suite struct {
	Cases   []Case
	TieNats float64 // a gap nearer to the margin is a tie, and counts for regret alone
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
	families := distinct(s.Cases, func(c Case) string { return c.Family })
	taught := make([]forecast.Library, len(families))
	atOnce(len(families), func(i int) { taught[i] = schooling.Library(families[i]) })
	out := Libraries{}
	for i, family := range families {
		out[family] = &taught[i]
	}
	return out
}

// Played is a case with its calibration.
type Played struct {
	Case
	Run *evidence.Run
}

// Play replays every case's calibration, as many at a time as there are processors.
func (s Suite) Play(p Probe, known Libraries) ([]Played, error) {
	if len(s.Cases) == 0 {
		return nil, fmt.Errorf("suite: no data set has full and LoRA curves that reach the horizon; give finished curves with a method, a learning rate, a constant schedule and data each")
	}
	out, failed := make([]Played, len(s.Cases)), make([]error, len(s.Cases))
	atOnce(len(s.Cases), func(i int) {
		c := s.Cases[i]
		library := known[c.Family]
		if library == nil {
			library = &forecast.Library{}
		}
		run, err := c.Calibrate(p, library)
		out[i], failed[i] = Played{c, run}, err
	})
	return out, errors.Join(failed...)
}

// atOnce does n things, as many at a time as there are processors.
func atOnce(n int, do func(i int)) {
	var workers sync.WaitGroup
	var next atomic.Int64
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	workers.Wait()
}

// Baselines are their verdicts on replayed cases.
func Baselines(played []Played, p Probe) []Verdicts {
	var out []Verdicts
	for _, d := range baselines() {
		out = append(out, d.over(played, p))
	}
	return out
}

// LastValue is that baseline's verdicts under another name.
func LastValue(name string, played []Played, p Probe) Verdicts {
	return decider{name, byLoss(forecast.LastLoss)}.over(played, p)
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
	for _, margin := range p.Margins {
		for _, c := range played {
			gap, _, _ := c.Gap(p.Horizon, p.Ranks...)
			v.Calls = append(v.Calls, Call{c.Data, c.Family, gap, margin, d.say(c.Case, c.Run, margin)})
		}
	}
	return v
}
