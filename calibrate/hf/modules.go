package hf

import "fmt"

// Module is a linear layer, by the name that PEFT knows it by.
type Module struct {
	Name    string // model.layers.0.self_attn.q_proj, transformer.h.0.attn.c_attn
	In, Out int
	Layer   int  // -1 for the head
	Bias    bool // has one
	Conv1D  bool // stored as [In, Out], GPT-2's way; else [Out, In]
	Head    bool // the output head
}

// Modules lists every linear layer of the blocks in the order of the forward pass,
// then the head.
func (c Config) Modules() []Module {
	var all []Module
	for layer := range c.Layers {
		all = append(all, c.layerModules(layer)...)
	}
	return append(all, Module{Name: headName, In: c.Hidden, Out: c.Vocab, Layer: -1, Head: true})
}

// layerModules lists attention's modules, then the MLP's.
func (c Config) layerModules(layer int) []Module {
	if c.ModelType == gpt2 {
		return c.gpt2Modules(layer)
	}
	at := fmt.Sprintf("model.layers.%d.", layer)
	d, q, kv, inner := c.Hidden, c.QueryWidth(), c.KVWidth(), c.Intermediate
	return []Module{
		{Name: at + "self_attn.q_proj", In: d, Out: q, Layer: layer, Bias: c.AttentionBias},
		{Name: at + "self_attn.k_proj", In: d, Out: kv, Layer: layer, Bias: c.AttentionBias},
		{Name: at + "self_attn.v_proj", In: d, Out: kv, Layer: layer, Bias: c.AttentionBias},
		{Name: at + "self_attn.o_proj", In: q, Out: d, Layer: layer, Bias: c.AttentionOutBias},
		{Name: at + "mlp.gate_proj", In: d, Out: inner, Layer: layer, Bias: c.MLPBias},
		{Name: at + "mlp.up_proj", In: d, Out: inner, Layer: layer, Bias: c.MLPBias},
		{Name: at + "mlp.down_proj", In: inner, Out: d, Layer: layer, Bias: c.MLPBias},
	}
}

func (c Config) gpt2Modules(layer int) []Module {
	at := fmt.Sprintf("transformer.h.%d.", layer)
	d, inner := c.Hidden, c.Intermediate
	return []Module{
		{Name: at + "attn.c_attn", In: d, Out: 3 * d, Layer: layer, Bias: true, Conv1D: true},
		{Name: at + "attn.c_proj", In: d, Out: d, Layer: layer, Bias: true, Conv1D: true},
		{Name: at + "mlp.c_fc", In: d, Out: inner, Layer: layer, Bias: true, Conv1D: true},
		{Name: at + "mlp.c_proj", In: inner, Out: d, Layer: layer, Bias: true, Conv1D: true},
	}
}
