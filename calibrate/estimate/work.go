package estimate

import (
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
)

// FLOPs counts the floating-point operations of one optimizer step.
func FLOPs(c hf.Config, m evidence.Method, s Shape) (float64, error) {
	tokens := float64(s.MicroBatch * s.Accumulation * s.SeqLength)
	linear, blocks := 0.0, 0.0
	for _, module := range c.Modules() {
		work := 2 * tokens * float64(module.In) * float64(module.Out)
		linear += work
		if !module.Head {
			blocks += work
		}
	}
	attention := 2 * tokens * float64(s.SeqLength) * float64(c.QueryWidth()) * float64(c.Layers)
	total := 3*linear + 3.5*attention
	if m.Kind == evidence.LoRA {
		adapters, err := adapterWork(c, m, tokens)
		if err != nil {
			return 0, err
		}
		beside, err := wholeWork(c, m, tokens)
		if err != nil {
			return 0, err
		}
		total = 2*linear + 3.5*attention + adapters + beside
	}
	if s.Checkpointing {
		total += blocks + attention
	}
	return total, nil
}

// wholeWork is what modules trained whole cost beyond frozen ones: the head's gradient.
// Where no embedding is trained, the first layer's projections need no gradient to their
// input.
func wholeWork(c hf.Config, m evidence.Method, tokens float64) (float64, error) {
	whole, err := c.WholeModules(m)
	if err != nil {
		return 0, err
	}
	head, embedded := 0.0, false
	for _, p := range whole {
		if p.Name == hf.HeadWeight {
			head = 2 * tokens * float64(p.Elements())
		} else {
			embedded = true
		}
	}
	if embedded {
		return head, nil
	}
	return head - 2*tokens*float64(c.Hidden)*float64(c.QueryWidth()+2*c.KVWidth()), nil
}

// adapterWork is the products with A and B: forward, to the input and to the weights. The
// norms of DoRA cost one more with A for each row of a weight, once a step.
func adapterWork(c hf.Config, m evidence.Method, tokens float64) (float64, error) {
	targets, err := c.Targets(m)
	if err != nil {
		return 0, err
	}
	sides, norms := 0, 0.0
	for _, t := range targets {
		sides += t.In + t.Out
		if m.Variant == evidence.DoRA {
			norms += 2 * float64(t.In) * float64(t.Out) * float64(m.Rank)
		}
	}
	return 6*tokens*float64(m.Rank)*float64(sides) + norms, nil
}

// Device is how fast a device computes and how much it holds.
type Device struct {
	Name           string  `json:"name"`
	FLOPsPerSecond float64 `json:"flops_per_second"` // dense bf16, as the maker states
	BytesPerSecond float64 `json:"bytes_per_second"` // of its memory
	MemoryBytes    int64   `json:"memory_bytes"`
}

// Devices lists what makers state of common training GPUs.
func Devices() []Device {
	const tera, giga, gib = 1e12, 1e9, 1 << 30
	return []Device{
		{"H200", 989 * tera, 4800 * giga, 141 * 1e9},
		{"H100", 989 * tera, 3350 * giga, 80 * gib},
		{"A100-80GB", 312 * tera, 2039 * giga, 80 * gib},
		{"A100-40GB", 312 * tera, 1555 * giga, 40 * gib},
		{"L40S", 362 * tera, 864 * giga, 48 * gib},
		{"A10", 125 * tera, 600 * giga, 24 * gib},
		{"L4", 121 * tera, 300 * giga, 24 * gib},
		{"RTX 4090", 165 * tera, 1008 * giga, 24 * gib},
	}
}

// Utilisation is the share of a device's stated speed that a well-fed training step
// reaches; published runs lie between 0.35 and 0.55.
const Utilisation = 0.45

// Seconds is the time of one optimizer step: the products at the device's usable
// speed, then the optimizer's pass over its state at the memory's.
func Seconds(c hf.Config, m evidence.Method, s Shape, d Device) (float64, error) {
	work, err := FLOPs(c, m, s)
	if err != nil {
		return 0, err
	}
	held, err := MemoryOf(c, m, s)
	if err != nil {
		return 0, err
	}
	trainable, err := c.TrainableParams(m)
	if err != nil {
		return 0, err
	}
	// Gradients and state are read, state and weights written.
	moved := float64(held.Gradients+2*held.Optimizer) + 4*float64(trainable)
	return work/(Utilisation*d.FLOPsPerSecond) + moved/d.BytesPerSecond, nil
}
