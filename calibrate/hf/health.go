package hf

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/safetensors"
)

// CheckFinite reads every weight once, on all cores. A NaN or an infinity is refused
// with the tensor and the first index; a matrix of zeros, or of nothing but
// subnormal values, comes back as a warning.
func (m *Model) CheckFinite(ctx context.Context) ([]evidence.Warning, error) {
	health := make([]safetensors.Health, len(m.names))
	errs := make([]error, len(m.names))
	var wait sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, name := range m.names {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wait.Go(func() {
			defer func() { <-slots }()
			t, data, err := m.Tensor(name)
			health[i], errs[i] = safetensors.Scan(t.DType, data), err
		})
	}
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return m.judge(health, errs)
}

func (m *Model) judge(health []safetensors.Health, errs []error) ([]evidence.Warning, error) {
	var zero, subnormal []string
	for i, name := range m.names {
		if errs[i] != nil {
			return nil, errs[i]
		}
		t := m.weights[name].tensor
		if err := safetensors.NotFinite(m.Dir, t, health[i]); err != nil {
			return nil, err
		}
		if matrix := len(t.Shape) > 1; matrix && health[i].Zero {
			zero = append(zero, name)
		}
		if health[i].Subnormal {
			subnormal = append(subnormal, name)
		}
	}
	var warnings []evidence.Warning
	add := func(code, what string, names []string) {
		if len(names) > 0 {
			warnings = append(warnings, evidence.Warning{Code: code, Text: fmt.Sprintf("%s %s (%d such); the weights may be damaged: compare their checksum", names[0], what, len(names))})
		}
	}
	add("weights-zero", "is all zero", zero)
	add("weights-subnormal", "holds nothing but subnormal values", subnormal)
	return warnings, nil
}

// CheckSequence refuses rows longer than the positions that the model was built for.
func (c Config) CheckSequence(length int) error {
	if length <= c.MaxPositions {
		return nil
	}
	return refuse("sequence length", fmt.Sprintf("take at most %d", c.MaxPositions),
		"%d is more than the model's max_position_embeddings, %d", length, c.MaxPositions)
}

// CheckTokens refuses a tokenizer whose highest ID has no row in the embedding, which
// on a GPU would end in an assertion far from its cause. Spare rows are harmless.
func (c Config) CheckTokens(highest int) error {
	if highest < c.Vocab {
		return nil
	}
	return refuse("tokenizer.json", "take the tokenizer that belongs to the model, or resize the model's embedding",
		"has the token ID %d, the embedding %d rows", highest, c.Vocab)
}
