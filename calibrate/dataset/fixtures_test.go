package dataset

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"ftadvise/calibrate/dataset/packfile"
	"ftadvise/calibrate/dataset/tokenizer"
)

// small loads a tokenizer of 700 pieces that knows every byte.
func small(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("tokenizer", "testdata", "llama2.json"))
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load(folder(t, map[string]string{"tokenizer.json": string(data)}))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func saved(t testing.TB, name, data string) string {
	return filepath.Join(folder(t, map[string]string{name: data}), name)
}

// packed is what a test looks at.
type packed struct {
	Packed
	train, eval, general packfile.Rows
	classes              bool
}

func pack(t testing.TB, o Options) packed {
	t.Helper()
	p, err := tryPack(t, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func tryPack(t testing.TB, o Options) (packed, error) {
	t.Helper()
	if o.SeqLength == 0 {
		o.SeqLength = 64
	}
	out := filepath.Join(t.TempDir(), "pack.safetensors")
	made, err := Pack(context.Background(), o, small(t), out)
	if err != nil {
		if _, statErr := os.Stat(out); statErr == nil {
			t.Error("a pack was written in spite of the error")
		}
		return packed{}, err
	}
	p, err := packfile.Read(out)
	if err != nil {
		t.Fatal(err)
	}
	return packed{made, p.Train, p.Eval, p.General, p.Classes}, nil
}

// pairs are the records that testdata/make.py writes as Parquet.
func pairs(n int) (prompts, completions []string) {
	for i := range n {
		prompts = append(prompts, fmt.Sprintf("What is %d plus %d?", i, i+3))
		completions = append(completions, fmt.Sprintf("It is %d, é世👍.", 2*i+3))
	}
	return prompts, completions
}

// asJSONL writes one object a line of columns of equal length.
func asJSONL(names []string, columns ...[]string) string {
	var b strings.Builder
	for i := range columns[0] {
		row := map[string]string{}
		for c, name := range names {
			row[name] = columns[c][i]
		}
		line, err := json.Marshal(row)
		if err != nil {
			panic(err)
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.String()
}

func pairsJSONL(n int) string {
	prompts, completions := pairs(n)
	return asJSONL([]string{"prompt", "completion"}, prompts, completions)
}

func pairsTable(n int, sep string) string {
	prompts, completions := pairs(n)
	out := "prompt" + sep + "completion\n"
	for i := range prompts {
		out += prompts[i] + sep + `"` + completions[i] + "\"\n"
	}
	return out
}

func gz(t testing.TB, data string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(data)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zst(t testing.TB, data string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(data), nil))
}
