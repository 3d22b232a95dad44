package tokenizer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// file is a small tokenizer.json with one part changed.
func file(part, value string) string {
	parts := map[string]string{
		"added_tokens": `[]`, "normalizer": `null`, "pre_tokenizer": `null`, "post_processor": `null`, "decoder": `null`,
		"model": `{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}`,
	}
	if part != "" {
		parts[part] = value
	}
	var fields []string
	for _, name := range []string{"added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model"} {
		if parts[name] != "" {
			fields = append(fields, `"`+name+`":`+parts[name])
		}
	}
	return "{" + strings.Join(fields, ",") + "}"
}

func TestBadFiles(t *testing.T) {
	for _, c := range []struct{ name, data, want string }{
		{"empty", "", "the file is empty"},
		{"lfs-pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "this is a Git LFS pointer, not the file itself"},
		{"not-json", "{\n\"model\": }", "line 2, byte 12: not valid JSON"},
		{"deep", strings.Repeat("[", 100000), "not valid JSON"},
		{"model-missing", file("model", ""), "model: missing"},
		{"model-of-wrong-type", file("model", `[1]`), "model: json: cannot unmarshal array"},
		{"unknown-model", file("model", `{"type":"Glyph","vocab":{}}`), `model.type: "Glyph" is not supported`},
		{"unknown-normalizer", file("normalizer", `{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Rot13"}]}`), `normalizer[1]: "Rot13" is not supported`},
		{"unknown-pre-tokenizer", file("pre_tokenizer", `{"type":"UnicodeScripts"}`), `pre_tokenizer: "UnicodeScripts" is not supported`},
		{"unknown-post-processor", file("post_processor", `{"type":"Wrap"}`), `post_processor: "Wrap" is not supported`},
		{"unknown-decoder", file("decoder", `{"type":"Sing"}`), `decoder: "Sing" is not supported`},
		{"unknown-behavior", file("pre_tokenizer", `{"type":"Split","pattern":{"String":"a"},"behavior":"Doubled"}`), `pre_tokenizer.behavior: "Doubled" is not supported`},
		{"bad-regex", file("pre_tokenizer", `{"type":"Split","pattern":{"Regex":"(a"},"behavior":"Isolated"}`), "pre_tokenizer.pattern: not a regular expression"},
		{"catastrophic-regex", file("pre_tokenizer", `{"type":"Split","pattern":{"Regex":"(a+)+$"},"behavior":"Isolated"}`), "needs unbounded time on some text"},
		{"empty-vocabulary", file("model", `{"type":"BPE","vocab":{},"merges":[]}`), "model.vocab: the vocabulary is empty"},
		{"duplicate-ids", file("model", `{"type":"BPE","vocab":{"a":0,"b":0},"merges":[]}`), `model.vocab: "a" and "b" share the id 0`},
		{"negative-id", file("model", `{"type":"BPE","vocab":{"a":-1},"merges":[]}`), `model.vocab: id -1 of "a" is out of range`},
		{"huge-id", file("model", `{"type":"BPE","vocab":{"a":2000000000},"merges":[]}`), "out of range"},
		{"fractional-id", file("model", `{"type":"BPE","vocab":{"a":0.5},"merges":[]}`), "cannot unmarshal number 0.5"},
		{"merge-of-unknown-piece", file("model", `{"type":"BPE","vocab":{"a":0},"merges":["a z"]}`), `model.merges[0]: merges "a" and "z", of which one is not in the vocabulary`},
		{"merge-into-unknown-piece", file("model", `{"type":"BPE","vocab":{"a":0,"b":1},"merges":["a b"]}`), `model.merges[0]: makes "ab", which is not in the vocabulary`},
		{"merge-of-three", file("model", `{"type":"BPE","vocab":{"a":0},"merges":["a a a"]}`), "is not two pieces"},
		{"merge-list-of-one", file("model", `{"type":"BPE","vocab":{"a":0},"merges":[["a"]]}`), "a merge has 1 parts, not 2"},
		{"merge-of-nothing", file("model", `{"type":"BPE","vocab":{"":0,"a":1},"merges":[["","a"]]}`), "merges"},
		{"dropout", file("model", `{"type":"BPE","dropout":0.1,"vocab":{"a":0},"merges":[]}`), "makes ids random"},
		{"unknown-unk", file("model", `{"type":"BPE","unk_token":"?","vocab":{"a":0},"merges":[]}`), `model.unk_token: "?" is not in the vocabulary`},
		{"wordpiece-without-unk", file("model", `{"type":"WordPiece","vocab":{"a":0},"unk_token":"[UNK]"}`), `"[UNK]" is not in the vocabulary`},
		{"unigram-unk-out-of-range", file("model", `{"type":"Unigram","unk_id":5,"vocab":[["a",0.0]]}`), "model.unk_id: 5 is not in the vocabulary"},
		{"unigram-twice", file("model", `{"type":"Unigram","vocab":[["a",0.0],["a",-1.0]]}`), `model.vocab[1]: "a" appears twice`},
		{"unigram-entry", file("model", `{"type":"Unigram","vocab":[["a",0.0,1]]}`), "an entry has 3 parts"},
		{"empty-added-token", file("added_tokens", `[{"id":3,"content":""}]`), "added_tokens[0]: the token is empty"},
		{"added-token-takes-an-id", file("added_tokens", `[{"id":1,"content":"<s>"}]`), `added_tokens[0]: "<s>" and "b" share the id 1`},
		{"added-tokens-share-an-id", file("added_tokens", `[{"id":3,"content":"<s>"},{"id":3,"content":"</s>"}]`), "share the id 3"},
		{"template-without-text", file("post_processor", `{"type":"TemplateProcessing","single":[],"special_tokens":{}}`), "the text itself is missing"},
		{"template-token-missing", file("post_processor", `{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}],"special_tokens":{}}`), `"<s>" is missing`},
		{"template-id-outside", file("post_processor", `{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}],"special_tokens":{"<s>":{"id":"<s>","ids":[99]}}}`), "post_processor: id 99 is not in the vocabulary"},
		{"charsmap-cut", file("normalizer", `{"type":"Precompiled","precompiled_charsmap":"/////wA="}`), "does not fit"},
		{"metaspace-mark", file("pre_tokenizer", `{"type":"Metaspace","replacement":"ab"}`), "is not one character"},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			_, err := Parse([]byte(c.data))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if strings.ContainsRune(errorText(err), '\n') {
				t.Errorf("more than one line: %v", err)
			}
			if d := time.Since(start); d > 30*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

// TestGivenUpPattern: a pattern that only some texts make explode ends those texts'
// encoding, and Err tells.
func TestGivenUpPattern(t *testing.T) {
	tok, err := Parse([]byte(file("pre_tokenizer", `{"type":"Split","pattern":{"Regex":"(x+x+)+y(?!z)"},"behavior":"Isolated"}`)))
	if err != nil {
		t.Fatal(err)
	}
	tok.patterns[0].re.MatchTimeout = 50 * time.Millisecond
	tok.Encode("abab", false)
	if err := tok.Err(); err != nil {
		t.Errorf("harmless text: %v", err)
	}
	tok.Encode(strings.Repeat("x", 500), false)
	if err := tok.Err(); err == nil || !strings.Contains(err.Error(), "needs unbounded time") {
		t.Errorf("got %v", err)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestBadFolders(t *testing.T) {
	write := func(t *testing.T, files map[string]string) string {
		dir := t.TempDir()
		for name, data := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
		hint  string
	}{
		{"nothing", nil, "no tokenizer.json", "Hugging Face model folder"},
		{"sentencepiece-only", map[string]string{"tokenizer.model": "x"}, "no tokenizer.json, only tokenizer.model", "save_pretrained"},
		{"config-not-json", map[string]string{"tokenizer.json": file("", ""), "tokenizer_config.json": "{"}, "tokenizer_config.json", ""},
		{"unknown-part", map[string]string{"tokenizer.json": file("decoder", `{"type":"X"}`)}, `tokenizer.json: decoder: "X" is not supported`, "use another model"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(write(t, c.files))
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) || !strings.Contains(e.Hint(), c.hint) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	t.Run("pipe", func(t *testing.T) {
		dir := t.TempDir()
		if err := syscall.Mkfifo(filepath.Join(dir, "tokenizer.json"), 0o600); err != nil {
			t.Skip(err)
		}
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("got %v", err)
		}
	})
}

// TestEnds finds the begin and end tokens wherever a folder names them.
func TestEnds(t *testing.T) {
	added := file("added_tokens", `[{"id":3,"content":"<s>","special":true},{"id":4,"content":"</s>","special":true},{"id":5,"content":"<|x|>","special":true}]`)
	for _, c := range []struct {
		name, file, data string
		bos, eos         int32
	}{
		{"by custom", "other.json", "{}", 3, 4},
		{"by name", "tokenizer_config.json", `{"bos_token":"<|x|>","eos_token":"<|x|>"}`, 5, 5},
		{"by object", "tokenizer_config.json", `{"bos_token":null,"eos_token":{"content":"<|x|>"}}`, 3, 5},
		{"by map", "special_tokens_map.json", `{"eos_token":{"content":"<|x|>"}}`, 3, 5},
		{"by id", "config.json", `{"bos_token_id":5,"eos_token_id":[5,4]}`, 5, 5},
		{"BOM", "tokenizer_config.json", "\uFEFF" + `{"eos_token":"<|x|>"}`, 3, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, data := range map[string]string{"tokenizer.json": added, c.file: c.data} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			tok, err := Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			bos, _ := tok.BOS()
			eos, ok := tok.EOS()
			if bos != c.bos || eos != c.eos || !ok {
				t.Errorf("begin %d, end %d; want %d, %d", bos, eos, c.bos, c.eos)
			}
		})
	}
	tok, err := Parse([]byte(file("", "")))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := tok.EOS(); ok {
		t.Error("an end token where there is none")
	}
}
