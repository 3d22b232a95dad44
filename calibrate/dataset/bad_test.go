package dataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rows repeats a record often enough to be split.
func rows(line string) string { return strings.Repeat(line+"\n", 20) }

func TestBadData(t *testing.T) {
	ok := pairsJSONL(20)
	utf16 := "\xff\xfeh\x00i\x00"
	deep := `{"text":` + strings.Repeat("[", 100000) + strings.Repeat("]", 100000) + `}`
	for _, c := range []struct {
		name, file, data string
		o                Options
		want, hint       string
	}{
		{"empty", "x.jsonl", "", Options{}, "the file is empty", "data in it"},
		{"blank", "x.jsonl", " \n\n ", Options{}, "the file is empty", ""},
		{"empty-gz", "x.jsonl.gz", gz(t, ""), Options{}, "the file is empty", ""},
		{"empty-list", "x.json", "[]", Options{}, "no records", ""},
		{"header-only", "x.csv", "prompt,completion\n", Options{}, "no records", ""},
		{"one-line", "x.jsonl", pairsJSONL(1), Options{}, "one record (", "at least 8 records are needed"},
		{"one-line-of-text", "x.txt", "Just a line.\n", Options{}, "tokens are too few to cut into rows of 64", "at least 8 rows, 512 tokens, are needed"},
		{"png-as-text", "x.txt", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", Options{}, "not a text file: it looks like a PNG image", "JSONL"},
		{"zip", "x.jsonl", "PK\x03\x04\x00\x00", Options{}, "it looks like a ZIP archive", ""},
		{"gguf", "x", "GGUF\x03\x00\x00\x00", Options{}, "it looks like a GGUF model", ""},
		{"utf-16", "x.txt", utf16, Options{}, "the text is in UTF-16LE, not UTF-8", "iconv -f UTF-16 -t UTF-8"},
		{"utf-16-be", "x.jsonl", "\xfe\xff\x00{", Options{}, "the text is in UTF-16BE", "iconv"},
		{"latin-1", "x.jsonl", ok + "{\"prompt\":\"caf\xe9\",\"completion\":\"x\"}\n", Options{}, "x.jsonl:21: byte 15 (0xE9) is not UTF-8", "iconv -f ISO-8859-1"},
		{"latin-1-text", "x.txt", "one\ntwo\ncaf\xe9\n", Options{}, "x.txt:3: byte 4 (0xE9) is not UTF-8", "iconv"},
		{"latin-1-csv", "x.csv", "text\nabc\ncaf\xe9\n", Options{}, "x.csv:3: byte 4 (0xE9) is not UTF-8", "iconv"},
		{"nul-in-text", "x.txt", strings.Repeat("line\n", 2000) + "a\x00b\n", Options{}, "x.txt:2001: a NUL byte", ""},
		{"lone-surrogate", "x.jsonl", rows(`{"text":"a\ud83d b"}`), Options{}, "x.jsonl:1: a \\u escape is half of a surrogate pair", "--skip-bad"},
		{"lone-low-surrogate", "x.jsonl", rows(`{"text":"\uDC4D"}`), Options{}, "half of a surrogate pair", ""},
		{"long-record", "x.jsonl", rows(`{"text":"` + strings.Repeat("x", 5000) + `"}`), Options{MaxRecordBytes: 1000}, "x.jsonl:1: the record is longer than 1000 bytes", "--max-record"},
		{"long-element", "x.json", `[{"text":"` + strings.Repeat("x", 400000) + `"}]`, Options{MaxRecordBytes: 1000}, "element 1: the record is longer than 1000 bytes", "--max-record"},
		{"long-cell", "x.csv", "text\n\"" + strings.Repeat("x\n", 400000) + "\"\n", Options{MaxRecordBytes: 1000}, "the record is longer than 1000 bytes", ""},
		{"half-last-line", "x.jsonl", ok + `{"prompt":"a","compl`, Options{}, "x.jsonl:21: not valid JSON at byte", "--skip-bad"},
		{"garbage-line", "x.jsonl", ok + "not json\n", Options{}, "x.jsonl:21: not valid JSON at byte 2", ""},
		{"number-line", "x.jsonl", rows("5"), Options{}, "x.jsonl:1: holds a number where an object with fields is expected", ""},
		{"list-cut", "x.json", `[{"text":"a"},{"text":`, Options{}, "element 2: the list ends in the middle", "cut short"},
		{"list-of-text", "x.json", `["a","b"]`, Options{}, "element 1: holds text where an object", ""},
		{"list-and-more", "x.json", `[{"text":"a"}] 5`, Options{}, "something follows the end of the list", ""},
		{"list-syntax", "x.json", `[{"text":"a"} {"text":"b"}]`, Options{}, "not valid JSON", ""},
		{"duplicate-keys", "x.jsonl", rows(`{"text":"a","text":"b"}`), Options{}, `x.jsonl:1: the field "text" appears twice`, "remove one"},
		{"duplicate-keys-by-escape", "x.jsonl", rows(`{"text":"a","t\u0065xt":"b"}`), Options{}, `the field "text" appears twice`, ""},
		{"wrong-fields", "x.jsonl", rows(`{"foo":"a","bar":"b"}`), Options{}, "no known shape has the fields foo, bar", "--field prompt=NAME"},
		{"wrong-shape", "x.jsonl", ok, Options{Shape: "messages"}, "the shape messages needs the fields messages; the record has", ""},
		{"wrong-field", "x.jsonl", ok, Options{Fields: map[string]string{"text": "body"}}, "x.jsonl:1: no field is called body; the record has ", "--field text=NAME"},
		{"unknown-role", "x.jsonl", ok, Options{Fields: map[string]string{"speech": "body"}}, `unknown role "speech" in --field`, "one of text, prompt"},
		{"unknown-shape", "x.jsonl", ok, Options{Shape: "round"}, `unknown shape "round"`, "one of text"},
		{"unknown-format", "x.jsonl", ok, Options{Format: "xml"}, `unknown format "xml"`, "one of jsonl"},
		{"text-shaped-as-messages", "x.txt", rows("some text"), Options{Shape: "messages"}, "plain text has no fields to make messages of", ""},
		{"field-of-wrong-kind", "x.jsonl", rows(`{"text":{"a":1}}`), Options{}, "x.jsonl:1: field text holds an object where text is expected", ""},
		{"empty-field", "x.jsonl", ok + `{"prompt":"a","completion":""}` + "\n", Options{}, `x.jsonl:21: the field "completion" is empty`, "--skip-bad"},
		{"missing-field", "x.jsonl", ok + `{"prompt":"a"}` + "\n", Options{}, `x.jsonl:21: the field "completion" is missing; the record has prompt`, "--field"},
		{"not-messages", "x.jsonl", rows(`{"messages":"hi"}`), Options{}, "x.jsonl:1: field messages is not a list of messages", "role"},
		{"messages-without-role", "x.jsonl", rows(`{"messages":[{"content":"hi"}]}`), Options{}, "x.jsonl:1: message 1 of messages has no role", `{"role": ..., "content": ...}`},
		{"messages-missing", "x.jsonl", `{"messages":[{"role":"user","content":"hi"}]}` + "\n" + ok, Options{}, `x.jsonl:2: the field "messages" is missing; the record has completion, prompt`, "--field"},
		{"no-assistant", "x.jsonl", rows(`{"messages":[{"role":"user","content":"hi"}]}`), Options{}, "there is no message of the assistant's", "role is assistant"},
		{"no-messages", "x.jsonl", rows(`{"messages":[]}`), Options{}, "the conversation has no messages", ""},
		{"messages-with-lone-surrogate", "x.jsonl", rows(`{"messages":[{"role":"user","content":"\ud800"}]}`), Options{}, "half of a surrogate pair", ""},
		{"template-raises", "x.jsonl", rows(`{"messages":[{"role":"user","content":"hi"}]}`), Options{Template: "{{ raise_exception('Say please.') }}"}, "x.jsonl:1: the model's chat template refuses this conversation: Say please.", "as the template asks"},
		{"template-broken", "x.jsonl", rows(`{"messages":[{"role":"user","content":"hi"}]}`), Options{Template: "{{ x"}, "chat template: line 1: a tag is not closed", "--template"},
		{"deep", "x.jsonl", rows(deep), Options{}, "x.jsonl:1: not valid JSON", ""},
		{"ragged", "x.csv", "prompt,completion\na,b\nc,d,e\n", Options{}, "x.csv:3: the row has another number of fields than the 2 columns", "--skip-bad"},
		{"quote-in-cell", "x.csv", "prompt,completion\na,b\"c\n", Options{}, "x.csv:2: column", "double the quotes"},
		{"quote-not-closed", "x.csv", "prompt,completion\na,\"b\nc,d\n", Options{}, "x.csv:2: column", ""},
		{"columns-twice", "x.csv", "text,text\na,b\n", Options{}, `columns 1 and 2 are both called "text"`, ""},
		{"gz-cut", "x.jsonl.gz", gz(t, strings.Repeat(ok, 50))[:200], Options{}, "the gzip file ends in the middle", "cut short"},
		{"gz-damaged", "x.jsonl.gz", damage(gz(t, ok)), Options{}, "x.jsonl.gz", ""},
		{"zst-cut", "x.jsonl.zst", zst(t, strings.Repeat(ok, 50))[:150], Options{}, "the zstd file ends in the middle", ""},
		{"parquet-cut", "x.parquet", "PAR1 nothing else", Options{}, "not a Parquet file that can be read", "fetch the file again"},
		{"parquet-not", "x.parquet", "just text", Options{}, "not a Parquet file that can be read", ""},
		{"parquet-packed", "x.parquet.gz", gz(t, "PAR1"), Options{}, "Parquet can only be read from a file that is not packed", ""},
		{"lfs-pointer", "x.jsonl", "version https://git-lfs.github.com/spec/v1\noid sha256:00\n", Options{}, "this is a Git LFS pointer", "git lfs pull"},
		{"prompts-too-long", "x.jsonl", rows(`{"prompt":"` + strings.Repeat("many words ", 100) + `","completion":"x"}`), Options{}, "no token to train on", "raise the sequence length"},
		{"short-sequence", "x.jsonl", ok, Options{SeqLength: 1}, "a sequence length below 2 predicts nothing", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			c.o.Path = saved(t, c.file, c.data)
			_, err := tryPack(t, c.o)
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) || !strings.Contains(e.Hint(), c.hint) {
				t.Errorf("got %v\nwant %q with hint %q", err, c.want, c.hint)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\n\x00") {
				t.Errorf("more than one line: %q", err)
			}
			if d := time.Since(start); d > 30*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

// TestVocabularyBeyondModel: a token without an embedding is caught before training.
func TestVocabularyBeyondModel(t *testing.T) {
	path := saved(t, "x.jsonl", pairsJSONL(20))
	if _, err := tryPack(t, Options{Path: path, Vocab: 702}); err != nil {
		t.Errorf("a vocabulary as large as the model's: %v", err)
	}
	_, err := tryPack(t, Options{Path: path, Vocab: 300})
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(e.What, "but the model has embeddings for 300 tokens only") || !strings.Contains(e.Hint(), "another model") {
		t.Errorf("got %v", err)
	}
}

// damage changes a byte in the middle.
func damage(s string) string {
	return s[:len(s)/2] + string(s[len(s)/2]^0xFF) + s[len(s)/2+1:]
}

func TestBadPaths(t *testing.T) {
	mixed := folder(t, map[string]string{"a.jsonl": pairsJSONL(9), "b.csv": pairsTable(9, ",")})
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"missing":      {Options{Path: filepath.Join(mixed, "missing.jsonl")}, "no such file or folder"},
		"no match":     {Options{Path: filepath.Join(mixed, "*.parquet")}, "no file matches"},
		"empty folder": {Options{Path: t.TempDir()}, "the folder has no files"},
		"mixed":        {Options{Path: mixed}, "the file is csv, those before it are jsonl"},
		"pipe":         {Options{Path: pipe}, "neither a file nor a folder"},
		"no stdin":     {Options{Path: "-"}, "standard input is closed"},
		"parquet from stdin": {Options{Path: "-", Stdin: strings.NewReader("PAR1"), Format: "parquet"},
			"Parquet can only be read from a file that is not packed"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := tryPack(t, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestBomb stops a packed file that unpacks to far more than text can.
func TestBomb(t *testing.T) {
	bomb := gz(t, strings.Repeat(strings.Repeat(" ", 4095)+"\n", 70<<8))
	if len(bomb) > 200<<10 {
		t.Fatalf("the bomb has %d bytes", len(bomb))
	}
	for _, name := range []string{"x.jsonl.gz", "x.json.gz"} {
		if _, err := tryPack(t, Options{Path: saved(t, name, bomb)}); err == nil || !strings.Contains(err.Error(), "not a text") {
			t.Errorf("got %v", err)
		}
	}
}

// TestSkipBad reads what can be read and counts the rest.
func TestSkipBad(t *testing.T) {
	data := pairsJSONL(20) + "not json\n" + `{"prompt":"a"}` + "\n" + `{"prompt":"a","compl`
	p := pack(t, Options{Path: saved(t, "x.jsonl", data), SkipBad: true})
	if p.Data.Records != 20 || !strings.Contains(warning(p, "bad-records"), "3 records could not be read") || !strings.Contains(warning(p, "bad-records"), "x.jsonl:21") {
		t.Errorf("%d records, %v", p.Data.Records, p.Warnings)
	}
	if _, err := tryPack(t, Options{Path: saved(t, "x.jsonl", rows("nonsense")), SkipBad: true}); err == nil || !strings.Contains(err.Error(), "x.jsonl:1: not valid JSON") {
		t.Errorf("got %v", err)
	}
}

func warning(p packed, code string) string {
	for _, w := range p.Warnings {
		if w.Code == code {
			return w.Text
		}
	}
	return ""
}

// TestWarnings finds what makes data doubtful.
func TestWarnings(t *testing.T) {
	var near, labels, long strings.Builder
	words := strings.Fields("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon")
	for i := range 200 {
		fmt.Fprintf(&near, `{"text":"%s: %s and number %d"}`+"\n", strings.Join(words, " "), strings.Join(words, " of "), i)
		fmt.Fprintf(&labels, `{"text":"review %d","label":"same"}`+"\n", i)
		fmt.Fprintf(&long, `{"prompt":"question %d","completion":"%s"}`+"\n", i, strings.Repeat(words[i%20]+" ", 100))
	}
	for name, c := range map[string]struct{ data, code, text string }{
		"identical":  {rows(`{"text":"the same record again"}`), "identical-records", "memorises"},
		"duplicates": {rows(`{"text":"a"}`) + rows(`{"text":"b"}`) + rows(`{"text":"c"}`) + rows(`{"text":"d"}`), "duplicates", "95% of the records repeat"},
		"near":       {near.String(), "leakage", "resemble training ones"},
		"one label":  {labels.String(), "one-label", "All records have one label"},
		"long":       {long.String(), "truncated", "100% of the records are longer than 64 tokens"},
		"few":        {pairsJSONL(20), "few-eval-tokens", "held-out tokens are predicted"},
	} {
		t.Run(name, func(t *testing.T) {
			p := pack(t, Options{Path: saved(t, "x.jsonl", c.data)})
			if !strings.Contains(warning(p, c.code), c.text) {
				t.Errorf("%v", p.Warnings)
			}
		})
	}
	splits := folder(t, map[string]string{"train-00000.jsonl": pairsJSONL(20), "test.jsonl": pairsJSONL(30), "README.md": "x"})
	if got := warning(pack(t, Options{Path: splits}), "mixed-splits"); !strings.HasPrefix(got, "train-00000.jsonl and test.jsonl, by their names two splits") {
		t.Errorf("two splits: %q", got)
	}
	if got := warning(pack(t, Options{Path: folder(t, map[string]string{"training.jsonl": pairsJSONL(20), "testimony.jsonl": pairsJSONL(30)})}), "mixed-splits"); got != "" {
		t.Errorf("no two splits: %q", got)
	}
	clean := pack(t, Options{Path: filepath.Join("testdata", "delta.parquet")})
	for _, w := range clean.Warnings {
		if w.Code != "few-eval-tokens" {
			t.Errorf("unexpected: %v", w)
		}
	}
}

// TestUnreadable: a file without the right to read it is not bad data.
func TestUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	path := saved(t, "x.jsonl", pairsJSONL(20))
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := tryPack(t, Options{Path: path}); !errors.Is(err, os.ErrPermission) {
		t.Errorf("got %v", err)
	}
}
