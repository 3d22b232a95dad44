package hf

import "fmt"

// Parameter is one tensor of a model, by its canonical name.
type Parameter struct {
	Name  string
	Shape []int64
}

// Elements is the number of values.
func (p Parameter) Elements() int64 {
	n := int64(1)
	for _, dim := range p.Shape {
		n *= dim
	}
	return n
}

// Parameters lists every tensor that the model has, in the order in which the forward
// pass meets them. A tied head is not among them.
func (c Config) Parameters() []Parameter {
	if c.ModelType == gpt2 {
		return c.gpt2Parameters()
	}
	list := parameterList{{"model.embed_tokens.weight", shape(c.Vocab, c.Hidden)}}
	for layer := range c.Layers {
		c.decoderLayer(&list, fmt.Sprintf("model.layers.%d.", layer), layer)
	}
	list.add("model.norm.weight", c.Hidden)
	return c.withHead(list)
}

type parameterList []Parameter

func (l *parameterList) add(name string, dims ...int) {
	*l = append(*l, Parameter{name, shape(dims...)})
}

func shape(dims ...int) []int64 {
	out := make([]int64, len(dims))
	for i, dim := range dims {
		out[i] = int64(dim)
	}
	return out
}

// linears adds weights and biases of a layer's modules whose names lie under prefix.
func (l *parameterList) linears(modules []Module) {
	for _, m := range modules {
		if m.Conv1D {
			l.add(m.Name+".weight", m.In, m.Out)
		} else {
			l.add(m.Name+".weight", m.Out, m.In)
		}
		if m.Bias {
			l.add(m.Name+".bias", m.Out)
		}
	}
}

func (c Config) decoderLayer(list *parameterList, at string, layer int) {
	modules := c.layerModules(layer)
	const attention = 4 // q, k, v, o come first
	list.add(at+"input_layernorm.weight", c.Hidden)
	list.linears(modules[:attention])
	if c.QKNorm {
		list.add(at+"self_attn.q_norm.weight", c.HeadDim)
		list.add(at+"self_attn.k_norm.weight", c.HeadDim)
	}
	list.add(at+"post_attention_layernorm.weight", c.Hidden)
	if c.PostNorms {
		list.add(at+"pre_feedforward_layernorm.weight", c.Hidden)
	}
	list.linears(modules[attention:])
	if c.PostNorms {
		list.add(at+"post_feedforward_layernorm.weight", c.Hidden)
	}
}

func (c Config) gpt2Parameters() []Parameter {
	list := parameterList{
		{"transformer.wte.weight", shape(c.Vocab, c.Hidden)},
		{"transformer.wpe.weight", shape(c.MaxPositions, c.Hidden)},
	}
	norm := func(name string) {
		list.add(name+".weight", c.Hidden)
		list.add(name+".bias", c.Hidden)
	}
	for layer := range c.Layers {
		at := fmt.Sprintf("transformer.h.%d.", layer)
		modules := c.layerModules(layer)
		norm(at + "ln_1")
		list.linears(modules[:2])
		norm(at + "ln_2")
		list.linears(modules[2:])
	}
	norm("transformer.ln_f")
	return c.withHead(list)
}

const headName = "lm_head"

// HeadWeight is the name of the output head's weights.
const HeadWeight = headName + ".weight"

func (c Config) withHead(list parameterList) []Parameter {
	if !c.Tied {
		list.add(headName+".weight", c.Vocab, c.Hidden)
	}
	return list
}

// Params is the number of parameters; a tied head counts once, as in transformers'
// num_parameters.
func (c Config) Params() int64 {
	var total int64
	for _, p := range c.Parameters() {
		total += p.Elements()
	}
	return total
}
