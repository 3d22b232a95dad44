package tokenizer

import (
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"
)

// FuzzParse: no tokenizer.json makes Parse, Encode or Decode panic, and what is
// encoded lies within the vocabulary.
func FuzzParse(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 64<<10 {
			f.Add(data, "The <tag> of it's\n 12 ½ é👍")
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		tok, err := Parse(data)
		if err != nil {
			return
		}
		size := tok.VocabSize()
		ids := tok.Encode(text, true)
		for _, id := range ids {
			if id < 0 || int(id) >= size {
				t.Fatalf("id %d of a vocabulary of %d", id, size)
			}
		}
		if out := tok.Decode(ids); utf8.ValidString(text) && !utf8.ValidString(out) {
			t.Fatalf("decoded to bytes that are not UTF-8: %q", out)
		}
	})
}

// FuzzRoundTrip: a byte-level tokenizer loses nothing of any text.
func FuzzRoundTrip(f *testing.F) {
	tok := parseFile(f, filepath.Join("testdata", "llama3.json"))
	for _, text := range sentences(f, 11, 50) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		if got := tok.Decode(tok.Encode(text, false)); got != text {
			t.Fatalf("%q came back as %q", text, got)
		}
	})
}
