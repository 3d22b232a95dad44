package enginetest

import (
	"math"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
)

// measure tells a spectrum where the segment asks for it: a tenth of the energy lies
// outside of the blocks, and the share of the r largest of 64 directions is
// (r/64)^(1/4).
func (s *segment) measure(of string) {
	m := s.Measure
	if m == nil || s.Trial.Method.Kind != evidence.Full || (of == calibrate.OfGradient && !m.Gradient) || (of == calibrate.OfUpdate && !m.Update) {
		return
	}
	s.pass(s.engine.script.MeasureSeconds)
	out := calibrate.SpectrumMeasured{Trial: s.Trial.ID, Step: s.step, Of: of, Seconds: s.engine.script.MeasureSeconds, Total: 2}
	for i, name := range []string{"layers.0.attention", "layers.0.mlp"} {
		out.Weights = append(out.Weights, calibrate.WeightSpectrum{Name: name, EffectiveRank: 10 + 10*float64(i), StableRank: 2 + 2*float64(i),
			TopShare: topShare(m.Rank), Energy: 1, EnergyShare: 0.45})
	}
	for rank := 1; rank <= directions; rank *= 2 {
		out.Top = append(out.Top, evidence.RankShare{Rank: rank, Share: topShare(rank)})
	}
	if of == calibrate.OfGradient {
		out.Tokens, out.EmbeddingShare, out.VectorShare = 4096, 0.08, 0.02
	}
	s.observe(out)
}

const directions = 64

func topShare(rank int) float64 {
	return math.Pow(math.Min(1, float64(rank)/directions), 0.25)
}

// measureTokens tells how the losses of step 0 are spread, where asked for.
func (s *segment) measureTokens() {
	if s.Measure == nil || !s.Measure.Tokens || s.step != 0 {
		return
	}
	base := s.engine.script.Loss(s.Trial, 0)
	spread := func(mean float64) evidence.TokenLosses {
		return evidence.TokenLosses{Tokens: 4096, Mean: mean, P10: mean / 8, P50: mean / 2, P90: 2 * mean, P99: 3 * mean, AboveUniform: 0.05, WorstTenth: 0.3}
	}
	out := calibrate.TokensMeasured{Trial: s.Trial.ID, HeldOut: spread(base)}
	if s.General {
		out.General, out.BeyondGeneral = new(spread(3)), new(0.2)
	}
	s.observe(out)
}
