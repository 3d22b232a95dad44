package hf

// Config is an architecture, read from config.json. Sizes count elements. What the
// file leaves out has the value that transformers gives it, but for sizes, which must
// be there, and token IDs, which stay nil.
type Config struct {
	ModelType     string   // one of Families
	Architectures []string // class names, as in the file

	Hidden       int
	Intermediate int
	Layers       int
	Heads        int
	KVHeads      int // groups of query heads share one of these (arXiv 2305.13245)
	HeadDim      int
	Vocab        int
	MaxPositions int

	NormEps     float64
	NormPlusOne bool // RMS norm multiplies by 1+weight (Gemma)
	PostNorms   bool // also normalises what attention and MLP return (Gemma 3)

	RopeTheta      float64
	RopeThetaLocal float64      // of sliding-window layers where it differs (Gemma 3), else 0
	RopeScaling    *RopeScaling // nil is plain RoPE
	RotaryShare    float64      // share of the head that is rotated; 0 where positions are learned

	Tied             bool // the head shares the embedding's weights
	AttentionBias    bool // on q, k and v
	AttentionOutBias bool
	MLPBias          bool
	QKNorm           bool // RMS norm over each head of q and k (Qwen3, Gemma 3)

	// SlidingWindow is the number of positions that a layer of LayerSliding attends
	// to, itself counted; 0 where there are none.
	SlidingWindow int
	LayerSliding  []bool // one a layer

	Activation     string  // silu, gelu (erf), gelu_tanh, relu
	EmbeddingScale float64 // multiplies the embeddings; 1 but for Gemma
	AttentionScale float64 // multiplies q·k: 1/sqrt(HeadDim) but for Gemma
	LogitSoftcap   float64 // c·tanh(x/c) on the logits; 0 is none

	BOS, EOS, PAD *int
	EOSAll        []int // where config.json gives several

	ResidDropout, EmbdDropout, AttnDropout float64

	InitRange  float64 // standard deviation of random weights
	TorchDType string  // float32, float16, bfloat16, or empty
}

// GatedMLP reports whether the MLP has a gate beside its up projection.
func (c Config) GatedMLP() bool { return c.ModelType != gpt2 }

// LearnedPositions reports whether positions are an embedding table and not RoPE.
func (c Config) LearnedPositions() bool { return c.ModelType == gpt2 }

// QueryWidth is the output width of the query projection.
func (c Config) QueryWidth() int { return c.Heads * c.HeadDim }

// KVWidth is the output width of the key projection and of the value projection.
func (c Config) KVWidth() int { return c.KVHeads * c.HeadDim }
