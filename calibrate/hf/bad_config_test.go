package hf

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
)

// baseFields is a small Llama.
func baseFields() map[string]any {
	return map[string]any{
		"model_type": "llama", "architectures": []string{"LlamaForCausalLM"},
		"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4,
		"num_key_value_heads": 2, "max_position_embeddings": 32, "vocab_size": 10,
	}
}

// with returns config.json with fields changed; a value of dropField removes one.
func with(changes map[string]any) []byte {
	fields := baseFields()
	maps.Copy(fields, changes)
	for name, value := range fields {
		if value == dropField {
			delete(fields, name)
		}
	}
	text, _ := json.Marshal(fields)
	return text
}

const dropField = "drop this field"

func one(name string, value any) []byte { return with(map[string]any{name: value}) }

func scaled(fields map[string]any) []byte { return one("rope_scaling", fields) }

func TestBadConfigs(t *testing.T) {
	raw := func(text string) json.RawMessage { return json.RawMessage(text) }
	for name, bad := range map[string]struct {
		config []byte
		want   string // error, then hint
	}{
		"not-json":              {[]byte("{hello"), "is no JSON object"},
		"null":                  {[]byte("null"), "is no JSON object: found null"},
		"list":                  {[]byte("[]"), "is no JSON object"},
		"latin-1":               {[]byte("{\"a\": \"\xe9\"}"), "is not valid UTF-8"},
		"utf-16":                {[]byte("\xff\xfe{\x00}\x00"), "is not valid UTF-8"},
		"1e308-layers":          {one("num_hidden_layers", raw("1e308")), "num_hidden_layers is 1e308, not a whole number from 1 to 10000"},
		"no-layers":             {one("num_hidden_layers", 0), "num_hidden_layers is 0"},
		"half-a-layer":          {one("num_hidden_layers", 1.5), "num_hidden_layers is 1.5"},
		"layers-missing":        {one("num_hidden_layers", dropField), "num_hidden_layers is missing"},
		"layers-text":           {one("num_hidden_layers", "12"), `num_hidden_layers is "12"`},
		"heads-do-not-divide":   {one("num_attention_heads", 3), "num_attention_heads 3 does not divide the hidden size 16"},
		"kv-heads-over-heads":   {one("num_key_value_heads", 8), "num_key_value_heads 8 does not divide num_attention_heads 4"},
		"kv-heads-uneven":       {one("num_key_value_heads", 3), "num_key_value_heads 3 does not divide num_attention_heads 4"},
		"heads-too-wide":        {with(map[string]any{"num_attention_heads": 1 << 20, "num_key_value_heads": 1, "head_dim": 1 << 20}), "num_attention_heads 1048576 heads of 1048576 are 1099511627776 wide, more than 4194304"},
		"head-dim-odd":          {one("head_dim", 5), "head_dim 5 is odd"},
		"vocab-0":               {one("vocab_size", 0), "vocab_size is 0"},
		"vocab-negative":        {one("vocab_size", -5), "vocab_size is -5"},
		"unknown-architecture":  {one("model_type", "mamba"), `model_type "mamba" is not supported; supported are gpt2, llama, mistral, qwen2, qwen3, gemma3_text`},
		"no-architecture":       {one("model_type", dropField), `model_type "" is not supported`},
		"classifier":            {one("architectures", []string{"LlamaForSequenceClassification"}), "architectures holds LlamaForSequenceClassification; give a causal language model, LlamaForCausalLM"},
		"architectures-text":    {one("architectures", "LlamaForCausalLM"), "architectures is"},
		"remote-code":           {one("auto_map", map[string]string{"AutoModel": "model.Evil"}), "asks for remote code (auto_map), which is never run"},
		"quantised":             {one("quantization_config", map[string]any{"quant_method": "gptq", "bits": 4}), "is quantised (gptq): its weights take no gradient, so it cannot be fully fine-tuned"},
		"activation":            {one("hidden_act", "mish"), `hidden_act is "mish"; supported are silu`},
		"norm-eps-text":         {one("rms_norm_eps", "small"), "rms_norm_eps is"},
		"norm-eps-huge":         {one("rms_norm_eps", 5), "rms_norm_eps is 5, not a number from 0 to 1"},
		"theta-0":               {one("rope_theta", 0), "rope_theta is 0"},
		"bias-text":             {one("attention_bias", "yes"), `attention_bias is "yes", not true or false`},
		"eos-text":              {one("eos_token_id", "</s>"), "eos_token_id is"},
		"rope-unknown":          {scaled(map[string]any{"type": "su", "factor": 2}), `rope_type "su" is not supported; supported are default, linear, dynamic, llama3, yarn`},
		"rope-list":             {one("rope_scaling", []int{1}), "rope_scaling is [1], not an object"},
		"rope-no-factor":        {scaled(map[string]any{"type": "linear"}), "rope_scaling: factor is missing"},
		"rope-factor-below-1":   {scaled(map[string]any{"rope_type": "linear", "factor": 0.5}), "factor is 0.5, below 1"},
		"rope-llama3-order":     {scaled(map[string]any{"rope_type": "llama3", "factor": 2, "low_freq_factor": 4, "high_freq_factor": 1}), "high_freq_factor 1 is not above low_freq_factor 4"},
		"rope-yarn-order":       {scaled(map[string]any{"rope_type": "yarn", "factor": 2, "beta_fast": 1, "beta_slow": 2}), "beta_fast 1 is below beta_slow 2"},
		"rope-partial":          {one("partial_rotary_factor", 0.5), "partial_rotary_factor is 0.5; only 1 is supported"},
		"rope-nested":           {one("rope_parameters", map[string]any{"full_attention": map[string]any{}}), "has an entry for each kind of layer"},
		"gpt2-inverse-scaling":  {[]byte(strings.Replace(gpt2Small, "{", `{"scale_attn_by_inverse_layer_idx": true, `, 1)), "scale_attn_by_inverse_layer_idx is true, which is not supported"},
		"gpt2-cross-attention":  {[]byte(strings.Replace(gpt2Small, "{", `{"add_cross_attention": true, `, 1)), "add_cross_attention is true"},
		"gemma-2":               {one("model_type", "gemma2"), `model_type "gemma2" is not supported`},
		"soft-capped-attention": {with(map[string]any{"model_type": "gemma3_text", "architectures": dropField, "head_dim": 4, "attn_logit_softcapping": 50}), "attn_logit_softcapping is 50: soft-capped attention is not supported"},
		"layer-types-short":     {with(map[string]any{"model_type": "qwen3", "architectures": dropField, "layer_types": []string{"full_attention"}}), "layer_types has 1 entries for 2 layers"},
		"layer-types-unknown":   {with(map[string]any{"model_type": "qwen3", "architectures": dropField, "layer_types": []string{"full_attention", "linear_attention"}}), `layer_types holds "linear_attention"`},
		"layer-types-no-window": {with(map[string]any{"model_type": "qwen3", "architectures": dropField, "layer_types": []string{"full_attention", "sliding_attention"}}), "there is no sliding_window"},
	} {
		_, err := parseConfig(bad.config, ConfigFile)
		checkRefused(t, name, err, bad.want)
	}
}

// checkRefused wants one line that holds want, which may go on into the hint.
func checkRefused(t *testing.T, name string, err error, want string) {
	t.Helper()
	var refused *InputError
	if !errors.As(err, &refused) {
		t.Errorf("%s: %v, not an InputError", name, err)
		return
	}
	text := refused.Error() + "; " + refused.Hint()
	if !strings.Contains(text, want) || strings.Contains(text, "\n") || refused.Where == "" || refused.Hint() == "" {
		t.Errorf("%s: %q, wanted %q", name, text, want)
	}
}

// What older and newer releases of transformers write means the same.
func TestConfigSpellings(t *testing.T) {
	old := with(map[string]any{"rope_theta": 5000, "rope_scaling": map[string]any{"type": "linear", "factor": 2}, "torch_dtype": "bfloat16"})
	recent := with(map[string]any{"rope_parameters": map[string]any{"rope_type": "linear", "factor": 2, "rope_theta": 5000}, "dtype": "torch.bfloat16"})
	marked := append([]byte("\xef\xbb\xbf"), old...)
	for name, text := range map[string][]byte{"old": old, "recent": recent, "byte-order mark": marked} {
		c, err := parseConfig(text, ConfigFile)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c.RopeTheta != 5000 || c.RopeScaling == nil || c.RopeScaling.Factor != 2 || c.TorchDType != "bfloat16" {
			t.Errorf("%s: theta %g, scaling %+v, dtype %q", name, c.RopeTheta, c.RopeScaling, c.TorchDType)
		}
	}
}

func TestConfigTokens(t *testing.T) {
	c, err := parseConfig(one("eos_token_id", []int{7, 8}), ConfigFile)
	if err != nil || c.EOS == nil || *c.EOS != 7 || len(c.EOSAll) != 2 || c.BOS != nil {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestChecksAgainstTheRun(t *testing.T) {
	c, err := parseConfig(with(nil), ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	if c.CheckSequence(32) != nil || c.CheckTokens(9) != nil {
		t.Error("refused what fits")
	}
	checkRefused(t, "sequence", c.CheckSequence(33), "33 is more than the model's max_position_embeddings, 32; take at most 32")
	checkRefused(t, "tokens", c.CheckTokens(10), "has the token ID 10, the embedding 10 rows")
}

// Whatever config.json holds, a Config that comes out can be counted and asked.
func FuzzConfig(f *testing.F) {
	f.Add(with(nil))
	f.Add([]byte(gpt2Small))
	f.Add(scaled(map[string]any{"rope_type": "yarn", "factor": 2}))
	f.Add(with(map[string]any{"model_type": "gemma3_text", "architectures": dropField, "rope_local_base_freq": 10}))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseConfig(data, ConfigFile)
		if err != nil || c.Layers > 50 || c.HeadDim > 1000 {
			return
		}
		if c.Params() <= 0 || len(c.LayerSliding) != c.Layers {
			t.Fatalf("%+v", c)
		}
		if !c.LearnedPositions() {
			for _, step := range first(c.Frequencies(0, 100)) {
				if !(step > 0) {
					t.Fatalf("frequency %g of %+v", step, c)
				}
			}
		}
	})
}

func first(steps []float64, _ float64) []float64 { return steps }
