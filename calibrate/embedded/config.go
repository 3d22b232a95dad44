package embedded

import "fmt"

// What the embedded model shares with its siblings of other widths.
const (
	Vocabulary = 1536 // tokens of its tokenizer
	Layers     = 4
)

// Config is the config.json of a Llama with the embedded model's tokenizer: four
// attention heads of headDim, which share two key-value heads.
func Config(hidden, intermediate, headDim int) string {
	return fmt.Sprintf(`{
  "architectures": ["LlamaForCausalLM"],
  "model_type": "llama",
  "hidden_size": %d,
  "intermediate_size": %d,
  "num_hidden_layers": %d,
  "num_attention_heads": 4,
  "num_key_value_heads": 2,
  "head_dim": %d,
  "vocab_size": %d,
  "max_position_embeddings": 256,
  "rms_norm_eps": 1e-05,
  "rope_theta": 10000.0,
  "hidden_act": "silu",
  "attention_bias": false,
  "mlp_bias": false,
  "tie_word_embeddings": true,
  "initializer_range": 0.05,
  "bos_token_id": 0,
  "eos_token_id": 0,
  "torch_dtype": "float32"
}
`, hidden, intermediate, Layers, headDim, Vocabulary)
}
