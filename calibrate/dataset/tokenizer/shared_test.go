package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// sharedData returns a folder of test data that is kept beside the repository.
func sharedData(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "..", "shared", "data", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skip("../shared/data not found: " + name)
	}
	return dir
}

func load(t testing.TB, dir string) *Tokenizer {
	t.Helper()
	tok, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// TestGPT2Vectors holds the ids and the decoded text of 83 texts in 30 scripts
// equal to those of transformers.
func TestGPT2Vectors(t *testing.T) {
	tok := load(t, sharedData(t, "gpt2-tokenizer"))
	dir := sharedData(t, "tokenizer-vectors")
	var inputs []struct{ ID, Text string }
	var want struct {
		Entries []struct {
			ID      string  `json:"id"`
			IDs     []int32 `json:"input_ids"`
			Decoded string  `json:"decoded_with_special"`
			Plain   string  `json:"decoded_skip_special"`
		}
	}
	unmarshal(t, filepath.Join(dir, "inputs.json"), &inputs)
	unmarshal(t, filepath.Join(dir, "gpt2_multilingual.json"), &want)
	if len(inputs) < 80 || len(inputs) != len(want.Entries) {
		t.Fatalf("%d inputs, %d outputs", len(inputs), len(want.Entries))
	}
	for i, in := range inputs {
		w := want.Entries[i]
		if w.ID != in.ID {
			t.Fatalf("input %q against output %q", in.ID, w.ID)
		}
		if got := tok.Encode(in.Text, true); !slices.Equal(got, w.IDs) {
			t.Errorf("%s: ids %v, want %v", in.ID, got, w.IDs)
		}
		if got := tok.Decode(w.IDs); got != w.Decoded {
			t.Errorf("%s: decoded %q, want %q", in.ID, got, w.Decoded)
		}
		if got := tok.DecodePlain(w.IDs); got != w.Plain {
			t.Errorf("%s: decoded without special tokens %q, want %q", in.ID, got, w.Plain)
		}
	}
}

func unmarshal(t testing.TB, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func TestStories(t *testing.T) {
	tok := load(t, sharedData(t, filepath.Join("stories260K", "hf")))
	text := "Once upon a time, there was a little girl."
	ids := tok.Encode(text, true)
	if bos, ok := tok.BOS(); !ok || ids[0] != bos || bos != 1 {
		t.Errorf("begins with %d; begin token %d, %v", ids[0], bos, ok)
	}
	if eos, ok := tok.EOS(); !ok || eos != 2 {
		t.Errorf("end token %d, %v", eos, ok)
	}
	if got := tok.DecodePlain(ids); got != text {
		t.Errorf("decoded %q", got)
	}
	if tok.VocabSize() != 512 {
		t.Errorf("vocabulary of %d", tok.VocabSize())
	}
}
