package hf

import (
	"math"
	"strings"
)

// The model_type of each family.
const (
	gpt2    = "gpt2"
	llama   = "llama"
	mistral = "mistral"
	qwen2   = "qwen2"
	qwen3   = "qwen3"
	gemma3  = "gemma3_text"
)

// Family is an architecture that ftadvise knows by its config.json.
type Family struct {
	ModelType      string // in config.json
	Name           string // for people
	Class          string // of transformers
	Base           string // the class without a head, whose files leave the prefix out
	Prefix         string // of the canonical names
	DefaultTargets string // PEFT's target modules where none are named
	read           func(*fields, *Config)
}

// Families lists the known architectures, in the order in which they were added.
func Families() []Family {
	return []Family{
		{gpt2, "GPT-2", "GPT2LMHeadModel", "GPT2Model", "transformer.", "c_attn", readGPT2},
		{llama, "Llama 2 and 3.x", "LlamaForCausalLM", "LlamaModel", "model.", "q_proj,v_proj", readLlama},
		{mistral, "Mistral", "MistralForCausalLM", "MistralModel", "model.", "q_proj,v_proj", readMistral},
		{qwen2, "Qwen2 and Qwen2.5", "Qwen2ForCausalLM", "Qwen2Model", "model.", "q_proj,v_proj", readQwen2},
		{qwen3, "Qwen3", "Qwen3ForCausalLM", "Qwen3Model", "model.", "q_proj,v_proj", readQwen3},
		{gemma3, "Gemma 3 (text)", "Gemma3ForCausalLM", "Gemma3TextModel", "model.", "q_proj,v_proj", readGemma3},
	}
}

// DefaultTargets are the modules that PEFT adapts in a model of that model_type where
// nobody names any; false where the type is not known.
func DefaultTargets(modelType string) (string, bool) {
	family, ok := familyOf(modelType)
	return family.DefaultTargets, ok
}

// familyOf finds a family by its model_type.
func familyOf(modelType string) (Family, bool) {
	for _, family := range Families() {
		if family.ModelType == modelType {
			return family, true
		}
	}
	return Family{}, false
}

// modelTypes lists the known model_types for a message.
func modelTypes() string {
	var names []string
	for _, family := range Families() {
		names = append(names, family.ModelType)
	}
	return strings.Join(names, ", ")
}

// Limits on sizes keep products of them within int64 and a plan's answer quick.
const (
	maxLayers    = 10_000
	maxWidth     = 1 << 20
	maxInner     = 1 << 22
	maxVocab     = 1 << 24
	maxPositions = 1 << 30
)

func readGPT2(f *fields, c *Config) {
	c.Hidden = f.size(maxWidth, "n_embd", "hidden_size")
	c.Layers = f.size(maxLayers, "n_layer", "num_hidden_layers")
	c.Heads = f.size(maxWidth, "n_head", "num_attention_heads")
	c.MaxPositions = f.size(maxPositions, "n_positions", "n_ctx", "max_position_embeddings")
	c.Intermediate = f.sizeOr(4*c.Hidden, maxInner, "n_inner")
	c.KVHeads = c.Heads
	c.HeadDim = f.headDim(c)
	c.NormEps = f.float(1e-5, 0, 1, "layer_norm_epsilon")
	c.Activation = f.activation("gelu_new", "activation_function")
	c.Tied = f.flag(true, "tie_word_embeddings")
	c.AttentionBias, c.AttentionOutBias, c.MLPBias = true, true, true
	c.ResidDropout = f.float(0.1, 0, 1, "resid_pdrop")
	c.EmbdDropout = f.float(0.1, 0, 1, "embd_pdrop")
	c.AttnDropout = f.float(0.1, 0, 1, "attn_pdrop")
	f.only(true, "scale_attn_weights")
	f.only(false, "scale_attn_by_inverse_layer_idx")
	f.only(false, "add_cross_attention")
}

// only refuses a switch whose other setting is not supported.
func (f *fields) only(want bool, name string) {
	if f.flag(want, name) != want {
		f.fail(name, "is %v, which is not supported", !want)
	}
}

// readDecoder reads what Llama and its descendants share.
func readDecoder(f *fields, c *Config) {
	c.Hidden = f.size(maxWidth, "hidden_size")
	c.Intermediate = f.size(maxInner, "intermediate_size")
	c.Layers = f.size(maxLayers, "num_hidden_layers")
	c.Heads = f.size(maxWidth, "num_attention_heads")
	c.MaxPositions = f.size(maxPositions, "max_position_embeddings")
	c.NormEps = f.float(1e-6, 0, 1, "rms_norm_eps")
	c.Activation = f.activation("silu", f.first("hidden_act", "hidden_activation"))
	c.Tied = f.flag(false, "tie_word_embeddings")
	c.AttnDropout = f.float(0, 0, 1, "attention_dropout")
	c.RotaryShare = 1
	f.rope(c)
}

func readLlama(f *fields, c *Config) {
	readDecoder(f, c)
	c.KVHeads = f.kvHeads(c, c.Heads)
	c.HeadDim = f.headDim(c)
	c.AttentionBias = f.flag(false, "attention_bias")
	c.AttentionOutBias = c.AttentionBias
	c.MLPBias = f.flag(false, "mlp_bias")
}

func readMistral(f *fields, c *Config) {
	readDecoder(f, c)
	c.KVHeads = f.kvHeads(c, 8)
	c.HeadDim = f.headDim(c)
	window := 4096 // where the field is absent; null is none
	if _, there := f.raw["sliding_window"]; there {
		window = f.sizeOr(0, maxPositions, "sliding_window")
	}
	f.sliding(c, window, func(int) bool { return true })
}

func readQwen2(f *fields, c *Config) {
	readDecoder(f, c)
	c.KVHeads = f.kvHeads(c, 32)
	c.HeadDim = f.headDim(c)
	c.AttentionBias = true
	f.qwenSliding(c)
}

func readQwen3(f *fields, c *Config) {
	readDecoder(f, c)
	c.KVHeads = f.kvHeads(c, 32)
	c.HeadDim = f.sizeOr(128, maxWidth, "head_dim")
	c.AttentionBias = f.flag(false, "attention_bias")
	c.AttentionOutBias = c.AttentionBias
	c.QKNorm = true
	f.qwenSliding(c)
}

// qwenSliding slides from layer max_window_layers on, and only if told to.
func (f *fields) qwenSliding(c *Config) {
	window := f.sizeOr(4096, maxPositions, "sliding_window")
	if !f.flag(false, "use_sliding_window") {
		window = 0
	}
	from := 28
	if f.has("max_window_layers") {
		from = f.number("max_window_layers", 0, maxLayers)
	}
	f.sliding(c, window, func(layer int) bool { return layer >= from })
}

// readGemma3 refuses soft-capped attention scores, Gemma 2's, which no fused attention
// computes; leaving them out would train another model.
func readGemma3(f *fields, c *Config) {
	readDecoder(f, c)
	c.Activation = f.activation("gelu_pytorch_tanh", f.first("hidden_activation", "hidden_act"))
	c.Tied = f.flag(true, "tie_word_embeddings")
	c.KVHeads = f.kvHeads(c, 4)
	c.HeadDim = f.sizeOr(256, maxWidth, "head_dim")
	c.AttentionBias = f.flag(false, "attention_bias")
	c.AttentionOutBias = c.AttentionBias
	c.NormPlusOne, c.PostNorms, c.QKNorm = true, true, true
	c.EmbeddingScale = math.Sqrt(float64(c.Hidden))
	c.AttentionScale = 1 / math.Sqrt(f.float(256, 1, maxWidth, "query_pre_attn_scalar"))
	c.LogitSoftcap = f.float(0, 0, 1e6, "final_logit_softcapping")
	if f.float(0, 0, 1e6, "attn_logit_softcapping") != 0 {
		f.fail("attn_logit_softcapping", "is %s: soft-capped attention is not supported", f.raw["attn_logit_softcapping"])
	}
	f.only(false, "use_bidirectional_attention")
	pattern := f.sizeOr(6, maxLayers, "sliding_window_pattern")
	f.sliding(c, f.sizeOr(4096, maxPositions, "sliding_window"), func(layer int) bool { return (layer+1)%pattern != 0 })
}

// kvHeads is num_key_value_heads: null is one for each query head, absent is the
// family's own value.
func (f *fields) kvHeads(c *Config, absent int) int {
	const name = "num_key_value_heads"
	if _, there := f.raw[name]; !there {
		return absent
	}
	return f.sizeOr(c.Heads, maxWidth, name)
}

// headDim is head_dim, else the hidden size shared out among the heads.
func (f *fields) headDim(c *Config) int {
	if f.has("head_dim") {
		return f.number("head_dim", 1, maxWidth)
	}
	if c.Hidden%c.Heads != 0 {
		f.fail("num_attention_heads", "%d does not divide the hidden size %d", c.Heads, c.Hidden)
	}
	return max(1, c.Hidden/c.Heads)
}

// sliding fills the window and which layers use it: layer_types where the file gives
// them, else the family's rule.
func (f *fields) sliding(c *Config, window int, rule func(layer int) bool) {
	if f.err != nil {
		return
	}
	types := read[[]string](f, nil, "layer_types", "a list of strings")
	f.checkLayerTypes(types, window, c.Layers)
	if window == 0 || f.err != nil {
		return
	}
	c.SlidingWindow = window
	c.LayerSliding = make([]bool, c.Layers)
	for i := range c.LayerSliding {
		c.LayerSliding[i] = rule(i)
		if types != nil {
			c.LayerSliding[i] = types[i] == slidingAttention
		}
	}
}

const (
	slidingAttention = "sliding_attention"
	fullAttention    = "full_attention"
)

func (f *fields) checkLayerTypes(types []string, window, layers int) {
	if types != nil && len(types) != layers {
		f.fail("layer_types", "has %d entries for %d layers", len(types), layers)
	}
	for _, kind := range types {
		if kind != fullAttention && kind != slidingAttention {
			f.fail("layer_types", "holds %q; supported are %s and %s", kind, fullAttention, slidingAttention)
		}
		if kind == slidingAttention && window == 0 {
			f.fail("layer_types", "holds %s, but there is no sliding_window", kind)
		}
	}
}

// activation maps transformers' names to one name a function.
func (f *fields) activation(fallback, name string) string {
	switch given := f.text(fallback, name); given {
	case "silu", "swish":
		return "silu"
	case "gelu", "gelu_python":
		return "gelu"
	case "gelu_new", "gelu_pytorch_tanh", "gelu_fast":
		return "gelu_tanh"
	case "relu":
		return "relu"
	default:
		f.fail(name, "is %q; supported are silu, gelu, gelu_new, gelu_pytorch_tanh and relu", given)
		return given
	}
}
