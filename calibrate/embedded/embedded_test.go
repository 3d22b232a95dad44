package embedded

import (
	"io"
	"os"
	"testing"

	"ftadvise/calibrate/dataset/tokenizer"
	"ftadvise/calibrate/hf"
)

func TestExtract(t *testing.T) {
	dir := t.TempDir()
	paths, err := Extract(dir)
	if err != nil {
		t.Fatal(err)
	}
	model, err := hf.Open(paths.Base)
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	if n := model.Config.Params(); n < 900_000 || n > 1_100_000 {
		t.Errorf("the base model has %d parameters", n)
	}
	tok, err := tokenizer.Load(paths.Base)
	if err != nil {
		t.Fatal(err)
	}
	if tok.VocabSize() != model.Config.Vocab {
		t.Errorf("%d pieces for a vocabulary of %d", tok.VocabSize(), model.Config.Vocab)
	}
	for _, path := range []string{paths.Near, paths.Far} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if ids := tok.Encode(string(data), false); tok.Decode(ids) != string(data) {
			t.Errorf("%s does not survive encoding", path)
		}
	}
	before, err := os.Stat(paths.Far)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Extract(dir); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(paths.Far); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("a second Extract wrote again (%v)", err)
	}
}

func TestExtractMendsHalfAFile(t *testing.T) {
	dir := t.TempDir()
	paths, err := Extract(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(paths.Near, 10); err != nil {
		t.Fatal(err)
	}
	if _, err := Extract(dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(paths.Near); err != nil || info.Size() < 1000 {
		t.Errorf("still half a file: %v %v", info, err)
	}
}

func TestGeneral(t *testing.T) {
	data, err := io.ReadAll(General())
	if err != nil || len(data) < 10_000 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

// TestConfig holds the base model's file to what its siblings are made by.
func TestConfig(t *testing.T) {
	shipped, err := files.ReadFile("base/config.json")
	if err != nil {
		t.Fatal(err)
	}
	if made := Config(128, 344, 32); made != string(shipped) {
		t.Errorf("base/config.json is not what make writes:\n%s", made)
	}
}
