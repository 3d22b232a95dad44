package estimate

import (
	"fmt"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
)

// Shape is what one optimizer step trains on.
type Shape struct {
	MicroBatch    int    `json:"micro_batch"`   // rows a forward pass
	Accumulation  int    `json:"accumulation"`  // forward passes a step
	SeqLength     int    `json:"seq_length"`    // tokens a row
	Precision     string `json:"precision"`     // fp32, bf16 (fp32 master weights) or bf16-pure
	Checkpointing bool   `json:"checkpointing"` // layers keep their input alone and are computed again
}

// Memory is what a step holds at its peak, in bytes.
type Memory struct {
	Weights     int64 `json:"weights_bytes"`
	Gradients   int64 `json:"gradients_bytes"`
	Optimizer   int64 `json:"optimizer_bytes"` // AdamW's two moments, and master weights
	Activations int64 `json:"activations_bytes"`
	Logits      int64 `json:"logits_bytes"`    // one chunk of the head's output
	Transient   int64 `json:"transient_bytes"` // the largest buffers of one layer
}

// Total is the sum of the parts. A CUDA context takes about half a GiB beside it.
func (m Memory) Total() int64 {
	return m.Weights + m.Gradients + m.Optimizer + m.Activations + m.Logits + m.Transient
}

// store is the bytes that a value of each kind takes.
type store struct{ weight, gradient, moments, master, activation int64 }

func storeOf(precision string) (store, error) {
	switch precision {
	case "fp32":
		return store{weight: 4, gradient: 4, moments: 8, activation: 4}, nil
	case "bf16":
		return store{weight: 2, gradient: 2, moments: 8, master: 4, activation: 2}, nil
	case "bf16-pure":
		return store{weight: 2, gradient: 2, moments: 4, activation: 2}, nil
	}
	return store{}, fmt.Errorf("estimate: unknown precision %q", precision)
}

// MemoryOf counts a method's peak. Adapters, and modules trained whole beside them, are
// kept in fp32 with a copy in the model's precision, and their gradients and moments in
// fp32: 16 bytes a parameter and the copy.
func MemoryOf(c hf.Config, m evidence.Method, s Shape) (Memory, error) {
	b, err := storeOf(s.Precision)
	if err != nil {
		return Memory{}, err
	}
	trainable, err := c.TrainableParams(m)
	if err != nil {
		return Memory{}, err
	}
	saved, err := activations(c, m, s, b.activation)
	if err != nil {
		return Memory{}, err
	}
	out := Memory{
		Weights: b.weight * c.Params(), Activations: saved,
		Logits: logits(c, s, b.activation), Transient: transient(c, m, s, b.activation),
	}
	if m.Kind == evidence.LoRA {
		out.Weights += (4 + b.weight%4) * trainable // fp32, and the shadow where the model is not
		out.Gradients, out.Optimizer = 4*trainable, 8*trainable
		return out, nil
	}
	out.Gradients, out.Optimizer = b.gradient*trainable, (b.moments+b.master)*trainable
	return out, nil
}

// activations counts what the backward pass needs of one micro-batch.
func activations(c hf.Config, m evidence.Method, s Shape, width int64) (int64, error) {
	tokens := int64(s.MicroBatch * s.SeqLength)
	layer := layerActivations(c, width)
	total := tokens * layer * int64(c.Layers)
	if s.Checkpointing {
		total = tokens * (width*int64(c.Hidden)*int64(c.Layers) + layer)
	}
	if m.Kind == evidence.LoRA {
		targets, err := c.Targets(m)
		if err != nil {
			return 0, err
		}
		kept := m.Rank * len(targets) // A's output
		if m.Variant == evidence.DoRA {
			kept += outputs(targets, s.Checkpointing)
		}
		total += tokens * width * int64(kept)
	}
	return total, nil
}

// outputs sums the targets' outputs, which DoRA keeps before its magnitudes: of all, or of the layer that has the most of them
// where only one layer's exist at a time.
func outputs(targets []hf.Module, oneLayer bool) int {
	total, byLayer := 0, map[int]int{}
	for _, t := range targets {
		total += t.Out
		byLayer[t.Layer] += t.Out
	}
	if !oneLayer {
		return total
	}
	most := 0
	for _, n := range byLayer {
		most = max(most, n)
	}
	return most
}

// layerActivations is the bytes a token leaves in one layer: the inputs of norms,
// projections, attention and MLP, attention's log-sum-exp, and the norms' scales.
func layerActivations(c hf.Config, width int64) int64 {
	d, q, kv, inner, heads := int64(c.Hidden), int64(c.QueryWidth()), int64(c.KVWidth()), int64(c.Intermediate), int64(c.Heads)
	if !c.GatedMLP() {
		return width*(5*d+q+2*kv+2*inner) + 4*heads + 16
	}
	return width*(4*d+2*q+2*kv+3*inner) + 4*heads + 8
}

// chunk is the number of positions whose logits exist at once: an eighth of the
// micro-batch, and at least 1,024.
func chunk(s Shape) int64 {
	tokens := int64(s.MicroBatch * s.SeqLength)
	return min(tokens, max(1024, tokens/8))
}

// logits counts one chunk: the logits in the model's precision and their softmax in fp32.
func logits(c hf.Config, s Shape, width int64) int64 {
	return chunk(s) * int64(c.Vocab) * (width + 4)
}

// transient counts the widest intermediate gradients of one layer; DoRA's are there both
// with and without the magnitudes.
func transient(c hf.Config, m evidence.Method, s Shape, width int64) int64 {
	tokens := int64(s.MicroBatch * s.SeqLength)
	attention := int64(c.QueryWidth() + 2*c.KVWidth())
	buffers := int64(2)
	if m.Variant == evidence.DoRA {
		buffers = 3
	}
	return buffers * width * tokens * max(attention, 2*int64(c.Intermediate))
}
