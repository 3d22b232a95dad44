package suite

import (
	"math"

	"ftadvise/calibrate/embedded"
	"ftadvise/calibrate/evidence"
)

// Base is a base model of the suite: a Llama with four layers and the embedded model's
// tokenizer. The embedded model is one of them.
type Base struct {
	Name         string
	Hidden       int
	Intermediate int
	HeadDim      int // of 4 heads, which share 2 key-value heads
	LearningRate float64
	Embedded     bool // ships trained
}

// The tokenizer's vocabulary and the layers are the same for all bases.
const (
	vocabulary = embedded.Vocabulary
	layers     = embedded.Layers
)

// Bases lists the base models that are named, or all, the one that ships first.
func Bases(names []string) ([]Base, error) {
	return choose(bases(), func(b Base) string { return b.Name }, names)
}

func bases() []Base {
	return []Base{
		{Name: "1m", Hidden: 128, Intermediate: 344, HeadDim: 32, LearningRate: 6e-3, Embedded: true},
		{Name: "0.3m", Hidden: 64, Intermediate: 176, HeadDim: 16, LearningRate: 1e-2},
		{Name: "3m", Hidden: 256, Intermediate: 560, HeadDim: 64, LearningRate: 4e-3},
	}
}

// Params counts the weights: the tied embedding, and for each layer four projections of
// attention, three of the feed-forward part and two norms.
func (b Base) Params() int64 {
	h, i := int64(b.Hidden), int64(b.Intermediate)
	return vocabulary*h + layers*(3*h*h+3*h*i+2*h) + h
}

// PerRank counts the parameters that a rank of an all-linear adapter takes: inputs and
// outputs of every projection.
func (b Base) PerRank() int64 {
	h, i := int64(b.Hidden), int64(b.Intermediate)
	return layers * (2*(h+h) + 2*(h+h/2) + 3*(h+i))
}

// Config is the model's config.json.
func (b Base) Config() string { return embedded.Config(b.Hidden, b.Intermediate, b.HeadDim) }

// Centre is the middle of the first grid of learning rates. LoRA's follows the width as
// the product's prior does and falls with the rank's root, full's is three tenths of that
// prior; both as the suite's first data sets had it at the horizon.
func (b Base) Centre(m evidence.Method) float64 {
	prior := 5e-4 * math.Pow(2000/float64(b.Hidden), 0.775)
	if m.Kind == evidence.Full {
		return 0.3 * prior
	}
	return 0.6 * prior * math.Sqrt(8/float64(m.Rank))
}
