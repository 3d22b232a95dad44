package hf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

const adviceFolder = "give the folder that holds config.json, model.safetensors and tokenizer.json, or org/name"

// parseConfig reads config.json; where names it in messages.
func parseConfig(data []byte, where string) (Config, error) {
	data = trimBOM(data)
	if !utf8.Valid(data) {
		return Config{}, refuse(where, "save it as UTF-8", "is not valid UTF-8")
	}
	f := &fields{where: where}
	if err := json.Unmarshal(data, &f.raw); err != nil || f.raw == nil {
		return Config{}, refuse(where, "download it again", "is no JSON object: %v", orNull(err))
	}
	family, err := f.family()
	if err != nil {
		return Config{}, err
	}
	c := Config{ModelType: family.ModelType, EmbeddingScale: 1}
	f.shared(&c)
	family.read(f, &c)
	if f.err != nil {
		return Config{}, f.err
	}
	return c, f.consistent(&c)
}

// trimBOM drops the byte-order mark that some editors put before UTF-8.
func trimBOM(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) }

func orNull(err error) error {
	if err == nil {
		return fmt.Errorf("found null")
	}
	return err
}

// family picks the family and refuses what no family of ours can be.
func (f *fields) family() (Family, error) {
	if f.has("auto_map") {
		return Family{}, refuse(f.where, "give a model whose code is in transformers itself", "asks for remote code (auto_map), which is never run")
	}
	if f.has("quantization_config") {
		return Family{}, f.quantised()
	}
	modelType := f.text("", "model_type")
	family, ok := familyOf(modelType)
	if !ok {
		return Family{}, refuse(f.where, "supported are "+modelTypes(), "model_type %q is not supported", modelType)
	}
	classes := read[[]string](f, nil, "architectures", "a list of class names")
	if len(classes) > 0 && !slices.Contains(classes, family.Class) && !slices.Contains(classes, family.Base) {
		return Family{}, refuse(f.where, "give a causal language model, "+family.Class, "architectures holds %s", strings.Join(classes, ", "))
	}
	return family, f.err
}

func (f *fields) quantised() error {
	method := f.object("quantization_config").text("unknown", "quant_method")
	return refuse(f.where, "give the model from which it was quantised",
		"is quantised (%s): its weights take no gradient, so it cannot be fully fine-tuned and the methods not compared", method)
}

// shared reads the fields that every family has.
func (f *fields) shared(c *Config) {
	c.Architectures = read[[]string](f, nil, "architectures", "a list of class names")
	c.Vocab = f.size(maxVocab, "vocab_size")
	c.BOS, _ = f.token("bos_token_id")
	c.EOS, c.EOSAll = f.token("eos_token_id")
	c.PAD, _ = f.token("pad_token_id")
	c.InitRange = f.float(0.02, 0, 10, "initializer_range")
	c.TorchDType = strings.TrimPrefix(f.text("", f.first("dtype", "torch_dtype")), "torch.")
}

// consistent checks what involves several fields and fills what follows from them.
func (f *fields) consistent(c *Config) error {
	if c.KVHeads > c.Heads || c.Heads%c.KVHeads != 0 {
		f.fail("num_key_value_heads", "%d does not divide num_attention_heads %d", c.KVHeads, c.Heads)
	}
	if c.QueryWidth() > maxInner {
		f.fail("num_attention_heads", "%d heads of %d are %d wide, more than %d", c.Heads, c.HeadDim, c.QueryWidth(), maxInner)
	}
	if c.RotaryShare != 0 && c.HeadDim%2 != 0 {
		f.fail("head_dim", "%d is odd, but positions rotate pairs", c.HeadDim)
	}
	if s := c.RopeScaling; s != nil && s.Type == "dynamic" && c.HeadDim <= 2 {
		f.fail("head_dim", "%d is too small for dynamic scaling", c.HeadDim)
	}
	if c.AttentionScale == 0 {
		c.AttentionScale = 1 / math.Sqrt(float64(c.HeadDim))
	}
	if c.LayerSliding == nil {
		c.LayerSliding = make([]bool, c.Layers)
	}
	return f.err
}
