package decoder

import (
	"fmt"

	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/torch/shim"
)

// names are where a family keeps its parts, without .weight and .bias but for tables.
type names struct {
	embedding, positions, final string
	layer                       func(int) layerNames
}

type layerNames struct {
	norm1, norm2, post1, post2, qNorm, kNorm string
	qkv, up                                  []string // fused, in this order
	out, down                                string
}

func namesOf(c hf.Config) names {
	if c.LearnedPositions() {
		return names{"transformer.wte.weight", "transformer.wpe.weight", "transformer.ln_f", gpt2Layer}
	}
	layer := func(i int) layerNames { return llamaLayer(i, c.PostNorms) }
	return names{"model.embed_tokens.weight", "", "model.norm", layer}
}

func gpt2Layer(i int) layerNames {
	at := fmt.Sprintf("transformer.h.%d.", i)
	return layerNames{
		norm1: at + "ln_1", norm2: at + "ln_2",
		qkv: []string{at + "attn.c_attn"}, out: at + "attn.c_proj", up: []string{at + "mlp.c_fc"}, down: at + "mlp.c_proj",
	}
}

// llamaLayer serves every family but GPT-2. With norms after attention and MLP, the norm
// named post_attention is really such a one, and the MLP's own is pre_feedforward.
func llamaLayer(i int, postNorms bool) layerNames {
	at := fmt.Sprintf("model.layers.%d.", i)
	n := layerNames{
		norm1: at + "input_layernorm", norm2: at + "post_attention_layernorm",
		qNorm: at + "self_attn.q_norm", kNorm: at + "self_attn.k_norm",
		qkv: []string{at + "self_attn.q_proj", at + "self_attn.k_proj", at + "self_attn.v_proj"}, out: at + "self_attn.o_proj",
		up: []string{at + "mlp.gate_proj", at + "mlp.up_proj"}, down: at + "mlp.down_proj",
	}
	if postNorms {
		n.post1, n.norm2, n.post2 = n.norm2, at+"pre_feedforward_layernorm", at+"post_feedforward_layernorm"
	}
	return n
}

//nolint:gochecknoglobals // a constant table
var activations = map[string]shim.Activation{
	"silu": shim.SiLU, "gelu_tanh": shim.GELUTanh, "gelu": shim.GELU, "relu": shim.ReLU,
}
