package calibrate

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// Measure asks an engine to describe the data and what training them does to the
// weights. It changes no step, and its time and memory are nobody's.
type Measure struct {
	// Tokens has the evaluation of step 0 told token by token.
	Tokens bool `json:"tokens,omitempty"`
	// Gradient, for full from step 0, has the spectra of the gradient at the base
	// weights told before the first step.
	Gradient bool `json:"gradient,omitempty"`
	// Update, for full, has the spectra of all that was added to the base weights told
	// after the last step.
	Update bool `json:"update,omitempty"`
	// Rank is that of TopShare.
	Rank int `json:"rank"`
	// Seconds ends the gradient's sum, and each spectrum, after so long: what was seen
	// by then is told.
	Seconds float64 `json:"seconds"`
}

// What a SpectrumMeasured is about.
const (
	OfGradient = "gradient"
	OfUpdate   = "update"
)

// SpectrumMeasured tells the singular values of the matrices of the blocks by their
// summaries, and, of a gradient, where else its energy lies.
type SpectrumMeasured struct {
	Trial   string           `json:"trial"`
	Step    int              `json:"step"`
	Of      string           `json:"of"` // gradient, update
	Seconds float64          `json:"seconds"`
	Tokens  int              `json:"tokens,omitempty"` // predicted ones behind a gradient
	Weights []WeightSpectrum `json:"weights"`
	Total   int              `json:"total"` // how many such matrices the model has
	// EmbeddingShare and VectorShare are a gradient's energy on embeddings and head,
	// and on norms and biases, as shares of the whole.
	EmbeddingShare float64              `json:"embedding_share,omitempty"`
	VectorShare    float64              `json:"vector_share,omitempty"`
	Top            []evidence.RankShare `json:"top"` // over all Weights
}

// WeightSpectrum is one matrix of a SpectrumMeasured.
type WeightSpectrum struct {
	Name          string  `json:"name"`
	EffectiveRank float64 `json:"effective_rank"`
	StableRank    float64 `json:"stable_rank"`
	TopShare      float64 `json:"top_share"`
	Energy        float64 `json:"energy"`       // the sum of squares
	EnergyShare   float64 `json:"energy_share"` // of a gradient's whole energy; of an update's measured one
}

// TokensMeasured tells how the losses at a step are spread over tokens.
type TokensMeasured struct {
	Trial   string                `json:"trial"`
	Step    int                   `json:"step"`
	HeldOut evidence.TokenLosses  `json:"held_out"`
	General *evidence.TokenLosses `json:"general,omitempty"`
	// BeyondGeneral is the share of held-out tokens dearer than nine in ten general ones.
	BeyondGeneral *float64 `json:"beyond_general,omitempty"`
}

func (SpectrumMeasured) event() {}
func (TokensMeasured) event()   {}

// Into writes the measurement down.
func (m TokensMeasured) Into(d *evidence.Domain) {
	d.TokenLoss, d.GeneralTokenLoss, d.BeyondGeneral = &m.HeldOut, m.General, m.BeyondGeneral
}

// Into writes the measurement down. An update, which may be measured again after a
// longer probe, replaces an older one.
func (m SpectrumMeasured) Into(d *evidence.Domain) {
	d.LayersOf = m.Total
	var energy, rank float64
	for _, w := range m.Weights {
		l := layerOf(d, w.Name)
		measured := w.EffectiveRank
		if m.Of == OfUpdate {
			l.UpdateStableRank, l.UpdateTopShare, l.UpdateNorm = w.StableRank, w.TopShare, math.Sqrt(w.Energy)
			measured = w.StableRank
		} else {
			l.EffectiveRank, l.TopRankShare, l.EnergyShare = w.EffectiveRank, w.TopShare, w.EnergyShare
		}
		energy += w.Energy
		rank += w.Energy * measured
	}
	var mean *float64
	if energy > 0 {
		mean = new(rank / energy)
	}
	if m.Of == OfUpdate {
		d.UpdateRank, d.UpdateTop, d.UpdateStep = mean, m.Top, m.Step
		return
	}
	d.GradientRank, d.GradientTop, d.GradientTokens = mean, m.Top, m.Tokens
	d.EmbeddingGradShare, d.VectorGradShare = &m.EmbeddingShare, &m.VectorShare
}

func layerOf(d *evidence.Domain, name string) *evidence.LayerSpectrum {
	for i := range d.Layers {
		if d.Layers[i].Name == name {
			return &d.Layers[i]
		}
	}
	d.Layers = append(d.Layers, evidence.LayerSpectrum{Name: name})
	return &d.Layers[len(d.Layers)-1]
}

// How long the measuring of one spectrum may take: a share of the budget, within
// bounds. A few seconds see all of a small model and a sample of a large one.
const (
	measureShare = 0.02
	measureLeast = 1
	measureMost  = 30
)

func (c *calibration) measure() *Measure {
	m := &Measure{Rank: c.run.Setup.LoRA.Rank, Seconds: measureMost}
	if budget := c.run.Setup.BudgetSeconds; budget > 0 {
		m.Seconds = math.Min(measureMost, math.Max(measureLeast, measureShare*budget))
	}
	return m
}

// measureBase has the fit trials describe the base model on these data, once: its loss
// by token, and, as it takes all weights' gradients, by full its gradient.
func (c *calibration) measureBase(t *evidence.TrialResult) *Measure {
	d, m := c.run.Domain, c.measure()
	m.Tokens = d.BaseLoss == nil
	m.Gradient = t.Method.Kind == evidence.Full && d.GradientRank == nil
	if c.spec.Model.RandomWeights || (!m.Tokens && !m.Gradient) {
		return nil
	}
	return m
}

// measureUpdate has the last segment of full's trunk tell what it has added to the
// weights.
func (c *calibration) measureUpdate(s Segment) *Measure {
	t := s.Trial
	if t.Stage != evidence.StageProbe || t.Method.Kind != evidence.Full || t.Seed != c.spec.Seed || s.ToStep < t.Steps {
		return nil
	}
	m := c.measure()
	m.Update = true
	return m
}
