package hf

import (
	"os"
	"path/filepath"
	"testing"

	"ftadvise/calibrate/evidence"
)

// sharedData finds a file beside the repository or skips the test.
func sharedData(t *testing.T, parts ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{"..", "..", "..", "shared", "data"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skip("../shared/data not found: " + path)
	}
	return path
}

func TestOpenStories(t *testing.T) {
	m, err := Open(sharedData(t, "stories260K", "hf"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	e, err := m.Evidence("stories260K", false)
	if err != nil {
		t.Fatal(err)
	}
	if e.Params != 260_032 || e.Layers != 5 || e.Vocab != 512 || e.Architecture != "llama" || len(e.Fingerprint) != 64 {
		t.Errorf("%+v", e)
	}
	tensor, data, err := m.Tensor("model.layers.4.mlp.down_proj.weight")
	if err != nil || tensor.DType != "F32" || len(data) != 64*172*4 {
		t.Errorf("%v, %d bytes, %v", tensor, len(data), err)
	}
}

const gpt2Small = `{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_embd": 768, "n_layer": 12, "n_head": 12, "n_positions": 1024, "vocab_size": 50257}`

// The essay's figures: 124,439,808 parameters, of which r=8 on c_attn trains 294,912.
func TestGPT2SmallCounts(t *testing.T) {
	c, err := parseConfig([]byte(gpt2Small), ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Params(); got != 124_439_808 {
		t.Errorf("Params = %d", got)
	}
	got, err := c.TrainableParams(evidence.Method{Kind: evidence.LoRA, Rank: 8, Alpha: 16, Targets: "c_attn"})
	if err != nil || got != 294_912 {
		t.Errorf("TrainableParams = %d, %v", got, err)
	}
}
