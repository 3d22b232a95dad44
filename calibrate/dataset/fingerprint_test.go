package dataset

import (
	"context"
	"path/filepath"
	"testing"
)

func TestFingerprintIsPacks(t *testing.T) {
	tok := stories(t)
	for _, file := range []string{"tinyshakespeare/input.txt", "gsm8k/train.jsonl", "humaneval/HumanEval.jsonl.gz"} {
		o := Options{Path: sharedData(t, file), SeqLength: 512, Seed: 1, MaxTrainRows: 100, EvalRows: 4}
		if file == "humaneval/HumanEval.jsonl.gz" {
			o.Fields = map[string]string{"prompt": "prompt", "completion": "canonical_solution"}
		}
		packed, err := Pack(context.Background(), o, tok, filepath.Join(t.TempDir(), "pack.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Fingerprint(context.Background(), o)
		if err != nil || got != packed.Data.Fingerprint {
			t.Errorf("%s: %s (%v), want %s", file, got, err, packed.Data.Fingerprint)
		}
		o.Seed, o.SeqLength = 2, 256
		if again, err := Fingerprint(context.Background(), o); err != nil || again != got {
			t.Errorf("%s: seed or length changed it: %s (%v)", file, again, err)
		}
		if o.Fields == nil {
			o.Template = "x"
			if other, err := Fingerprint(context.Background(), o); err != nil || other == got {
				t.Errorf("%s: a template did not change it (%v)", file, err)
			}
		}
	}
}
