package tokenizer

import (
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// words collects what a splitter makes of a text.
func words(p preTokenizer, text string) []string {
	var out []string
	p.split(piece{text, true}, func(q piece) { out = append(out, q.text) })
	return out
}

// TestScannersFollowPatterns holds the hand-written scanners equal to regexp2 run
// on the patterns they stand for.
func TestScannersFollowPatterns(t *testing.T) {
	texts := append(sentences(t, 7, 1500), "", " ", "a", "'", "'ll", "x'LLy", "1234", "a\n\n b", " \n", "\n \n  x", "\u00a0x", " !\n\n", "\r\n\r\n", "'ſa", "ABCdefGHI", "AあB", "あA", "\u0301A", " \u0301\u0301", "!\u0301a", "ǅx", "a/b//\n/", "\u0301\u0301B", "don'TX")
	for name, pattern := range map[string]string{"gpt2": patternGPT2, "llama3": patternLlama3, "qwen2": patternQwen2, "gpt4o": patternGPT4o, "tekken": patternTekken} {
		re, err := newPattern(name, pattern)
		if err != nil {
			t.Fatal(err)
		}
		byRegex := matches{find: re.stretches, behavior: isolated}
		for _, text := range texts {
			if name != "gpt2" && slices.Contains([]rune(text), 'ſ') {
				continue // regexp2 folds it otherwise than the Rust library, which the goldens follow
			}
			if got, want := words(scan(scannerOf(pattern)), text), words(byRegex, text); !slices.Equal(got, want) {
				t.Errorf("%s: %q: %q, want %q", name, text, got, want)
			}
		}
	}
}

// TestSafeCutChangesNothing compares with the model run on the whole text.
func TestSafeCutChangesNothing(t *testing.T) {
	for _, name := range []string{"llama2", "mistral"} {
		tok := parseFile(t, filepath.Join("testdata", name+".json"))
		cut := newSafeCut(tok.model)
		if cut == nil {
			t.Fatalf("%s is not cut", name)
		}
		rapid.Check(t, func(t *rapid.T) {
			text := rapid.StringOf(rapid.RuneFrom([]rune("▁▁▁ abeinorst.,'\n<0xA>é世👍"))).Draw(t, "text")
			var got []int32
			cut.split(piece{text, true}, func(p piece) { got = tok.model.tokenize(got, p.text) })
			if want := tok.model.tokenize(nil, text); !slices.Equal(got, want) {
				t.Fatalf("%q: %v, want %v", text, got, want)
			}
		})
	}
}

// TestMergeOrders holds the two ways to merge equal: all pairs again, and the queue.
func TestMergeOrders(t *testing.T) {
	tok := parseFile(t, filepath.Join("testdata", "gpt2.json"))
	b := tok.model.(*bpe)
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringOfN(rapid.RuneFrom([]rune("aeinorsthĠ")), 1, 80, -1).Draw(t, "word")
		ids := b.characters(nil, word)
		few := slices.Clone(ids)
		few = few[:b.mergeFew(few)]
		if many := b.mergeMany(nil, ids); !slices.Equal(few, many) {
			t.Fatalf("%q: %v, %v", word, few, many)
		}
	})
}

// TestRoundTrip: byte-level tokenizers lose nothing.
func TestRoundTrip(t *testing.T) {
	tok := parseFile(t, filepath.Join("testdata", "gpt2.json"))
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		if got := tok.Decode(tok.Encode(text, true)); got != text {
			t.Fatalf("%q came back as %q", text, got)
		}
	})
}

// TestCacheForgets fills the cache beyond its bound and asks for the same ids.
func TestCacheForgets(t *testing.T) {
	c := newCache()
	long := make([]int32, 1000)
	for i := range maxCachedIDs/len(long) + 2 {
		c.put(string(rune('a'+i%26))+string(rune(0x4E00+i)), long)
	}
	if len(c.ids) > maxCachedIDs {
		t.Errorf("holds %d ids", len(c.ids))
	}
	c.put("word", []int32{1, 2})
	if ids, ok := c.get("word"); !ok || !slices.Equal(ids, []int32{1, 2}) {
		t.Errorf("got %v, %v", ids, ok)
	}
}

func TestConcurrent(t *testing.T) {
	tok := parseFile(t, filepath.Join("testdata", "llama3.json"))
	texts := sentences(t, 3, 200)
	want := make([][]int32, len(texts))
	for i, text := range texts {
		want[i] = tok.Encode(text, true)
	}
	for range 4 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for i, text := range texts {
				if got := tok.Encode(text, true); !slices.Equal(got, want[i]) {
					t.Errorf("%q: %v, want %v", text, got, want[i])
				}
			}
		})
	}
}

func TestLossyDecoding(t *testing.T) {
	// What Python's bytes.decode("utf-8", "replace") gives.
	for in, want := range map[string]string{
		"a\xffb": "a\ufffdb", "\xe2\x82": "\ufffd", "\xe2\x82\xe2\x82\xac": "\ufffd€", "\xf0\x9f\x91": "\ufffd",
		"\xed\xa0\x80": "\ufffd\ufffd\ufffd", "\xf8\x88": "\ufffd\ufffd", "\xc0\xaf": "\ufffd\ufffd", "\xf4\x90\x80\x80": "\ufffd\ufffd\ufffd\ufffd", "ok": "ok",
	} {
		if got := lossy(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
