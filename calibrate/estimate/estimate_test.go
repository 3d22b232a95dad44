package estimate

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
)

func config(t testing.TB, text string) hf.Config {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := hf.OpenConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	return m.Config
}

const (
	gpt2    = `{"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257, "n_positions": 1024}`
	llama1B = `{"model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
 "num_key_value_heads": 8, "head_dim": 64, "vocab_size": 128256, "max_position_embeddings": 131072, "tie_word_embeddings": true, "hidden_act": "silu"}`
	llama8B = `{"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
 "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 131072, "tie_word_embeddings": false, "hidden_act": "silu"}`
)

var (
	full   = evidence.Method{Kind: evidence.Full}
	lora16 = evidence.Method{Kind: evidence.LoRA, Rank: 16, Alpha: 32, Targets: evidence.AllLinear}
)

// The figures were reckoned by hand from the published formulas, for 8 rows of 1,024
// tokens.
func TestKnownModels(t *testing.T) {
	tests := []struct {
		name, config          string
		fullTFLOP, loraTFLOP  float64
		activationsGiB        float64
		fullPureBytesPerParam float64
	}{
		{"GPT-2 124M", gpt2, 6.6, 4.7, 2.3, 8},
		{"Llama-3.2-1B", llama1B, 62.7, 42.9, 9.3, 8},
		{"Llama-3.1-8B", llama8B, 377, 255, 34.0, 8},
	}
	s := Shape{MicroBatch: 8, Accumulation: 1, SeqLength: 1024, Precision: "bf16-pure"}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := config(t, tt.config)
			within(t, "full TFLOP", must(FLOPs(c, full, s))/1e12, tt.fullTFLOP)
			within(t, "LoRA TFLOP", must(FLOPs(c, lora16, s))/1e12, tt.loraTFLOP)
			m := must(MemoryOf(c, full, s))
			within(t, "activations GiB", float64(m.Activations)/(1<<30), tt.activationsGiB)
			within(t, "bytes a parameter", float64(m.Weights+m.Gradients+m.Optimizer)/float64(c.Params()), tt.fullPureBytesPerParam)
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func within(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 0.025*want {
		t.Errorf("%s = %.4g, want %.4g", what, got, want)
	}
}

func TestUnknownPrecision(t *testing.T) {
	if _, err := MemoryOf(config(t, gpt2), full, Shape{MicroBatch: 1, Accumulation: 1, SeqLength: 8, Precision: "fp8"}); err == nil {
		t.Error("accepted")
	}
}

// What a variant holds beyond plain LoRA: 18 bytes for each value of modules trained
// whole and of magnitudes, and DoRA's outputs before its magnitudes.
func TestVariants(t *testing.T) {
	c := config(t, llama8B)
	s := Shape{MicroBatch: 2, Accumulation: 1, SeqLength: 512, Precision: "bf16"}
	plain := must(MemoryOf(c, lora16, s))
	head := lora16
	head.ModulesToSave = "lm_head"
	const values = 128256 * 4096
	of := must(MemoryOf(c, head, s))
	if got := of.Weights + of.Gradients + of.Optimizer - plain.Weights - plain.Gradients - plain.Optimizer; got != 18*values || of.Activations != plain.Activations {
		t.Errorf("a head of its own takes %d bytes, wanted %d", got, 18*values)
	}
	if more := must(FLOPs(c, head, s)) - must(FLOPs(c, lora16, s)); more != 2*1024*values {
		t.Errorf("a head of its own takes %g operations more", more)
	}
	both := head
	both.ModulesToSave = "embed_tokens,lm_head"
	if first := must(FLOPs(c, both, s)) - must(FLOPs(c, head, s)); first != 2*1024*4096*6144 {
		t.Errorf("a trained embedding takes %g operations more", first)
	}
	dora := lora16
	dora.Variant = evidence.DoRA
	const outputs = 32 * (4096 + 2*1024 + 4096 + 2*14336 + 4096)
	of = must(MemoryOf(c, dora, s))
	if got := of.Activations - plain.Activations; got != 2*1024*outputs {
		t.Errorf("DoRA keeps %d bytes more, wanted %d", got, 2*1024*outputs)
	}
	if got := of.Optimizer - plain.Optimizer; got != 8*outputs || of.Transient <= plain.Transient {
		t.Errorf("DoRA's magnitudes have %d bytes of moments, wanted %d", got, 8*outputs)
	}
	s.Checkpointing = true
	if got := must(MemoryOf(c, dora, s)).Activations - must(MemoryOf(c, lora16, s)).Activations; got != 2*1024*outputs/32 {
		t.Errorf("DoRA keeps %d bytes more of one layer", got)
	}
}

// What must hold of any model: LoRA never needs more than full but for its adapter,
// more rows never need less, accumulation costs time and no memory, checkpointing
// trades one for the other.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		heads := 1 << rapid.IntRange(0, 4).Draw(rt, "heads")
		text := fmt.Sprintf(`{"model_type": "llama", "hidden_size": %d, "intermediate_size": %d, "num_hidden_layers": %d, "num_attention_heads": %d,
 "vocab_size": %d, "max_position_embeddings": 4096, "hidden_act": "silu"}`, heads*64, heads*rapid.IntRange(32, 256).Draw(rt, "inner"),
			rapid.IntRange(2, 40).Draw(rt, "layers"), heads, rapid.IntRange(256, 100000).Draw(rt, "vocab"))
		c := config(t, text)
		s := Shape{MicroBatch: rapid.IntRange(1, 32).Draw(rt, "rows"), Accumulation: 1, SeqLength: rapid.IntRange(16, 2048).Draw(rt, "length"), Precision: "bf16"}
		lora := evidence.Method{Kind: evidence.LoRA, Rank: 8, Targets: "q_proj,v_proj"}
		ofFull, ofLoRA := must(MemoryOf(c, full, s)), must(MemoryOf(c, lora, s))
		if ofLoRA.Gradients+ofLoRA.Optimizer >= ofFull.Gradients+ofFull.Optimizer {
			rt.Errorf("LoRA's state %d >= full's %d", ofLoRA.Gradients+ofLoRA.Optimizer, ofFull.Gradients+ofFull.Optimizer)
		}
		if must(FLOPs(c, lora, s)) >= must(FLOPs(c, full, s)) {
			rt.Error("LoRA computes more than full")
		}
		twice := s
		twice.Accumulation = 2
		if must(MemoryOf(c, full, twice)) != ofFull || math.Abs(must(FLOPs(c, full, twice))/must(FLOPs(c, full, s))-2) > 1e-9 {
			rt.Error("accumulation changes memory, or does not double the work")
		}
		checkpointed := s
		checkpointed.Checkpointing = true
		if must(MemoryOf(c, full, checkpointed)).Activations > ofFull.Activations || must(FLOPs(c, full, checkpointed)) <= must(FLOPs(c, full, s)) {
			rt.Error("checkpointing trades nothing")
		}
		for _, d := range Devices() {
			if took := must(Seconds(c, full, s, d)); !(took > 0) {
				rt.Errorf("%s: %v s", d.Name, took)
			}
		}
	})
}
