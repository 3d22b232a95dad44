package dataset

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"ftadvise/calibrate/dataset/packfile"
)

// TestFormatsAgree packs the same forty records from every format, however packed:
// the rows must be the same, for the split goes by content.
func TestFormatsAgree(t *testing.T) {
	jsonl := pairsJSONL(40)
	list := "[" + strings.ReplaceAll(strings.TrimSpace(jsonl), "\n", ",\n ") + "]\n"
	want := pack(t, Options{Path: saved(t, "x.jsonl", jsonl), Seed: 3})
	if want.Data.Format != "jsonl" || want.Data.Shape != "prompt-completion" || want.Data.Records != 40 {
		t.Fatalf("%+v", want.Data)
	}
	paths := map[string]string{
		"x.ndjson": jsonl, "x.json": jsonl, "list.json": list, "list.jsonl": list, "x": jsonl, "bom.jsonl": "\uFEFF" + jsonl,
		"crlf.jsonl": strings.ReplaceAll(jsonl, "\n", "\r\n"), "blank.jsonl": strings.ReplaceAll(jsonl, "\n", "\n\n"), "no-end.jsonl": strings.TrimSpace(jsonl),
		"x.csv": pairsTable(40, ","), "semicolon.csv": pairsTable(40, ";"), "x.tsv": pairsTable(40, "\t"), "bom.csv": "\uFEFF" + pairsTable(40, ","),
	}
	for name, data := range paths {
		for ending, packing := range map[string]func(string) string{
			"": func(s string) string { return s }, ".gz": func(s string) string { return gz(t, s) }, ".zst": func(s string) string { return zst(t, s) },
		} {
			t.Run(name+ending, func(t *testing.T) {
				sameRows(t, pack(t, Options{Path: saved(t, name+ending, packing(data)), Seed: 3}), want)
			})
		}
	}
	t.Run("stdin", func(t *testing.T) {
		sameRows(t, pack(t, Options{Path: "-", Stdin: strings.NewReader(jsonl), Format: "jsonl", Seed: 3}), want)
	})
	lines := strings.SplitAfter(jsonl, "\n")
	parts := map[string]string{"a.jsonl": strings.Join(lines[:15], ""), "b.jsonl": strings.Join(lines[15:], ""), "README.md": "about", "LICENSE.note.md": "free", ".hidden": "x", "dataset_info.json": "{}"}
	t.Run("folder", func(t *testing.T) { sameRows(t, pack(t, Options{Path: folder(t, parts), Seed: 3}), want) })
	t.Run("glob", func(t *testing.T) {
		sameRows(t, pack(t, Options{Path: filepath.Join(folder(t, parts), "*.jsonl"), Seed: 3}), want)
	})
	t.Run("reversed", func(t *testing.T) {
		slices.Reverse(lines)
		sameRows(t, pack(t, Options{Path: saved(t, "x.jsonl", strings.Join(lines, "")), Seed: 3}), want)
	})
}

func sameRows(t *testing.T, got, want packed) {
	t.Helper()
	for _, c := range []struct{ got, want packfile.Rows }{{got.train, want.train}, {got.eval, want.eval}} {
		if c.got.N != c.want.N || !slices.Equal(c.got.IDs, c.want.IDs) || !slices.Equal(c.got.Labels, c.want.Labels) || !slices.Equal(c.got.Segments, c.want.Segments) {
			t.Errorf("%d rows differ from %d", c.got.N, c.want.N)
		}
	}
}

// TestParquet reads what pyarrow writes, with every codec and page version.
func TestParquet(t *testing.T) {
	want := pack(t, Options{Path: saved(t, "x.jsonl", pairsJSONL(40)), Seed: 3})
	names := []string{"delta", "large", "dictionary"}
	for _, codec := range []string{"snappy", "zstd", "gzip", "brotli", "lz4", "none"} {
		names = append(names, "flat-"+codec+"-v1", "flat-"+codec+"-v2")
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			sameRows(t, pack(t, Options{Path: filepath.Join("testdata", name+".parquet"), Seed: 3}), want)
		})
	}
	messages := pack(t, Options{Path: filepath.Join("testdata", "messages-lz4-v2.parquet"), Seed: 3})
	prompts, completions := pairs(40)
	if s := messages.Data.Samples[0]; messages.Data.Shape != "messages" || !strings.Contains(s.Prompt, "User: What is") ||
		!slices.Contains(completions, strings.TrimSpace(s.Completion)) {
		t.Errorf("%s %+v, of %q", messages.Data.Shape, messages.Data.Samples, prompts[0])
	}
	labels := pack(t, Options{Path: filepath.Join("testdata", "class-label.parquet"), Seed: 3})
	if labels.Data.Shape != "classification" || labels.Data.LabelCounts["positive"] != 20 || labels.Data.LabelCounts["negative"] != 20 {
		t.Errorf("%s %v", labels.Data.Shape, labels.Data.LabelCounts)
	}
	if _, err := tryPack(t, Options{Path: filepath.Join("testdata", "nulls.parquet")}); err == nil || !strings.Contains(err.Error(), `row 8: the field "completion" is empty`) {
		t.Errorf("got %v", err)
	}
	skipped := pack(t, Options{Path: filepath.Join("testdata", "nulls.parquet"), SkipBad: true})
	if skipped.Data.Records != 39 || len(skipped.Warnings) == 0 {
		t.Errorf("%d records, %v", skipped.Data.Records, skipped.Warnings)
	}
}

// TestFingerprint: the content and the way to read it, not the name or the place.
func TestFingerprint(t *testing.T) {
	of := func(o Options) string { return pack(t, o).Data.Fingerprint }
	data := pairsJSONL(40)
	first := of(Options{Path: saved(t, "a.jsonl", data)})
	if same := of(Options{Path: saved(t, "b.jsonl", data), Seed: 9, SeqLength: 32}); same != first {
		t.Error("another name, seed or length is another fingerprint")
	}
	if packed := of(Options{Path: saved(t, "b.jsonl.gz", gz(t, data))}); packed != first {
		t.Error("the packed file has another fingerprint")
	}
	for name, o := range map[string]Options{
		"content": {Path: saved(t, "a.jsonl", data+`{"prompt":"p","completion":"c"}`+"\n")},
		"fields":  {Path: saved(t, "a.jsonl", data), Fields: map[string]string{"prompt": "completion", "completion": "prompt"}},
		"shape":   {Path: saved(t, "a.jsonl", data), Fields: map[string]string{"text": "completion"}, Shape: "text"},
	} {
		if of(o) == first {
			t.Errorf("another %s has the same fingerprint", name)
		}
	}
}

func TestChangeWhileReading(t *testing.T) {
	path := saved(t, "x.jsonl", pairsJSONL(40))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	src := newSource(path, info)
	if err := src.unchanged(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(pairsJSONL(41)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := src.unchanged(); err == nil || !strings.Contains(err.Error(), "the file changed while it was read") {
		t.Errorf("got %v", err)
	}
}

// TestHostileParquet reads a file in whose metadata one letter is changed, so that
// they ask for 7 GB.
func TestHostileParquet(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "flat-lz4-v1.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, []byte("/////6AAAAAQ")) + 64
	if data[at] != 'B' {
		t.Fatalf("%q in the place of the letter", data[at])
	}
	data[at] = 'F'
	tok, path := small(t), saved(t, "x.parquet", string(data))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = Pack(context.Background(), Options{Path: path, SeqLength: 64}, tok, filepath.Join(t.TempDir(), "pack"))
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 || err != nil {
		t.Errorf("%d bytes were asked for (%v)", grown, err)
	}
}
