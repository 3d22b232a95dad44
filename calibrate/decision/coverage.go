package decision

import (
	"math"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// Coverage is how often the truth lay in 80 % intervals, families counting alike.
type Coverage struct {
	Of       string            `json:"of"`
	N        int               `json:"n"`
	Inside   forecast.Estimate `json:"inside"`
	Width    float64           `json:"median_width_nats"`
	ByFamily map[string]float64
}

// interval is one forecast with what became of it.
type interval struct {
	family string
	inside bool
	width  float64
}

// Coverages are those of the arms' losses at the horizon, each at its best learning rate
// there, and of the gaps.
func Coverages(played []Played, p Probe) []Coverage {
	var arms, gaps []interval
	for _, c := range played {
		truth := map[string]float64{}
		for _, f := range c.Run.Forecasts {
			a, _ := c.course(f.Method)
			_, truth[f.Trial], _ = a.truth(p.Horizon)
			arms = appendInterval(arms, c.Family, f.Loss, truth[f.Trial])
		}
		for _, g := range c.Run.Gaps {
			gaps = appendInterval(gaps, c.Family, g.AtHorizon, truth[g.LoRA]-truth[g.Full])
		}
	}
	return []Coverage{coverageOf("loss at the horizon", arms), coverageOf("LoRA's loss less full's", gaps)}
}

func appendInterval(all []interval, family string, d evidence.Distribution, truth float64) []interval {
	if math.IsNaN(truth) {
		return all
	}
	return append(all, interval{family, truth >= d.P10 && truth <= d.P90, d.P90 - d.P10})
}

func coverageOf(name string, all []interval) Coverage {
	out := Coverage{Of: name, N: len(all), ByFamily: map[string]float64{}}
	count := map[string]float64{}
	var widths []float64
	for _, i := range all {
		count[i.family]++
		widths = append(widths, i.width)
	}
	for _, i := range all {
		out.ByFamily[i.family] += fullIf(i.inside) / count[i.family]
	}
	families := distinct(all, func(i interval) string { return i.family })
	out.Inside = bootstrap(families, func(f string) string { return f }, func(f string) (float64, bool) { return out.ByFamily[f], true })
	out.Width = quantile(widths, 0.5)
	return out
}

// Bin is the calls whose stated probability of the method that they named lay in a range.
type Bin struct {
	From, To     float64
	Calls        int
	Stated, Came float64
}

// Reliability sets the stated confidence against how often the named method was right,
// on calls that are no ties.
func (v Verdicts) Reliability(tieNats float64) []Bin {
	bins := []Bin{{From: 0.5, To: 0.6}, {From: 0.6, To: 0.7}, {From: 0.7, To: 0.8}, {From: 0.8, To: 0.9}, {From: 0.9, To: 1}}
	for _, c := range v.Calls {
		if c.tie(tieNats) {
			continue
		}
		confidence := c.confidence()
		b := &bins[min(len(bins)-1, int((confidence-0.5)*10))]
		b.Calls++
		b.Stated += confidence
		b.Came += fullIf(c.right())
	}
	for i := range bins {
		if n := float64(bins[i].Calls); n > 0 {
			bins[i].Stated, bins[i].Came = bins[i].Stated/n, bins[i].Came/n
		}
	}
	return bins
}
