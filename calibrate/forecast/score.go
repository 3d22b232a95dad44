package forecast

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Estimate is a figure with its 90 % bootstrap interval over families.
type Estimate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

func (e Estimate) String() string { return fmt.Sprintf("%.3f [%.3f, %.3f]", e.Value, e.Low, e.High) }

// Score is one forecaster at one share of the horizon.
type Score struct {
	Forecaster string  `json:"forecaster"`
	Share      float64 `json:"share"`
	Pairs      int     `json:"pairs"`
	// Accuracy is the share of pairs in the right order, Regret the mean loss in nats
	// of taking the arm that was named.
	Accuracy Estimate `json:"accuracy"`
	Regret   Estimate `json:"regret_nats"`
	Brier    Estimate `json:"brier"`
	// Selective is the accuracy where the stated confidence was at least 0.8, and
	// SelectiveShare the share of pairs for which it was.
	Selective      Estimate `json:"selective_accuracy"`
	SelectiveShare Estimate `json:"selective_share"`
	// Calibration is the expected calibration error of the probabilities, in tenths.
	Calibration float64 `json:"expected_calibration_error"`
	// Coverage is the share of curves inside their 80 % interval, each family
	// counting once; Width is the median width over the scored curves, in nats.
	Coverage Estimate `json:"coverage_80"`
	Width    float64  `json:"width_nats"`
	// CRPS is the mean continuous ranked probability score of the scored curves.
	CRPS float64 `json:"crps_nats"`
	// Failures are the pairs that were called wrongly with confidence 0.8 or more.
	Failures []string `json:"failures,omitempty"`
}

// Run scores every forecaster at every share.
func (r Replay) Run(shares []float64) ([]Score, error) {
	if len(r.scored()) < 2 {
		return nil, &Error{"replay", "fewer than two curves reach the horizon below the ceiling", "give finished curves, or another --horizon or --ceiling"}
	}
	var out []Score
	for _, share := range shares {
		for _, f := range forecasters() {
			o, err := f.run(r, share)
			if err != nil {
				return nil, err
			}
			out = append(out, r.score(f.name, share, o))
		}
	}
	return out, nil
}

func (r Replay) score(name string, share float64, o outcomes) Score {
	s := Score{Forecaster: name, Share: share, Pairs: len(o.pairs), Calibration: calibrationError(o.pairs), Failures: r.failures(o.pairs)}
	draws := r.draws()
	over := func(figure func(weights map[string]float64) float64) Estimate {
		var values []float64
		for _, weights := range draws[1:] {
			if v := figure(weights); finite(v) {
				values = append(values, v)
			}
		}
		return Estimate{figure(draws[0]), percentile(values, 0.05), percentile(values, 0.95)}
	}
	mean := func(value func(pairOutcome) (float64, bool)) Estimate {
		return over(func(w map[string]float64) float64 { return r.pairMean(o.pairs, w, value) })
	}
	s.Accuracy = mean(func(p pairOutcome) (float64, bool) { return indicator(p.truth*p.guess > 0), true })
	s.Regret = mean(func(p pairOutcome) (float64, bool) { return math.Abs(p.truth) * indicator(p.truth*p.guess <= 0), true })
	s.Brier = mean(func(p pairOutcome) (float64, bool) { return math.Pow(p.better-indicator(p.truth < 0), 2), true })
	s.Selective = mean(func(p pairOutcome) (float64, bool) { return indicator(p.right()), p.confidence() >= 0.8 })
	s.SelectiveShare = mean(func(p pairOutcome) (float64, bool) { return indicator(p.confidence() >= 0.8), true })
	s.Coverage = over(func(w map[string]float64) float64 { return r.coverage(o.arms, w) })
	s.Width, s.CRPS = r.sharpness(o.arms)
	return s
}

func (p pairOutcome) confidence() float64 { return math.Max(p.better, 1-p.better) }

func (p pairOutcome) right() bool { return (p.better > 0.5) == (p.truth < 0) }

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// draws are weights of the families: all once, then bootstrap resamples.
func (r Replay) draws() []map[string]float64 {
	const resamples = 400
	var families []string
	for _, i := range r.scored() {
		families = append(families, r.Curves[i].family())
	}
	slices.Sort(families)
	families = slices.Compact(families)
	out := []map[string]float64{{}}
	for _, f := range families {
		out[0][f] = 1
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range resamples {
		weights := map[string]float64{}
		for range families {
			weights[families[random.IntN(len(families))]]++
		}
		out = append(out, weights)
	}
	return out
}

// pairMean averages over pairs; a pair counts as often as both families were drawn.
func (r Replay) pairMean(pairs []pairOutcome, weights map[string]float64, value func(pairOutcome) (float64, bool)) float64 {
	var sum, total float64
	for _, p := range pairs {
		v, ok := value(p)
		if !ok {
			continue
		}
		a, b := r.Curves[p.a].family(), r.Curves[p.b].family()
		w := weights[a] * weights[b]
		if a == b {
			w = weights[a]
		}
		sum, total = sum+w*v, total+w
	}
	return sum / total
}
