package dataset

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ftadvise/calibrate/dataset/packfile"
	"ftadvise/calibrate/dataset/tokenizer"
)

// sharedData returns a file of test data that is kept beside the repository.
func sharedData(t testing.TB, parts ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{"..", "..", "..", "shared", "data"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skip("../shared/data not found: " + filepath.Join(parts...))
	}
	return path
}

func stories(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.Load(sharedData(t, "stories260K", "hf"))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// TestShared packs real data of both kinds and checks what the engine relies on.
func TestShared(t *testing.T) {
	tok := stories(t)
	general := "Once upon a time there was a big house near the sea, and in it lived many people who liked to talk. "
	for _, c := range []struct{ file, format, shape string }{
		{"tinyshakespeare/input.txt", "text", "text"},
		{"gsm8k/train.jsonl", "jsonl", "prompt-completion"},
	} {
		out := filepath.Join(t.TempDir(), "pack.safetensors")
		o := Options{Path: sharedData(t, c.file), SeqLength: 128, Seed: 1, MaxTrainRows: 500, EvalRows: 32, General: strings.NewReader(strings.Repeat(general, 200))}
		packed, err := Pack(context.Background(), o, tok, out)
		if err != nil {
			t.Fatal(err)
		}
		d := packed.Data
		samples := d.Samples
		d.Samples = nil
		t.Logf("%+v\n%+v\nnarrowness %g divergence %g entropy %g ratio %g\n%q", d, packed.Warnings,
			*packed.Domain.Narrowness, *packed.Domain.TokenDivergence, *packed.Domain.TokenEntropy, *packed.Domain.TypeTokenRatio, samples)
		if d.Format != c.format || d.Shape != c.shape {
			t.Errorf("read as %s %s", d.Format, d.Shape)
		}
		p, err := packfile.Read(out)
		if err != nil {
			t.Fatal(err)
		}
		if p.Train.N != 500 || p.Eval.N != 32 || p.General.N != 32 {
			t.Errorf("rows %d, %d, %d", p.Train.N, p.Eval.N, p.General.N)
		}
		t.Logf("%q", tok.Decode(p.Train.IDs[:128]))
	}
}
