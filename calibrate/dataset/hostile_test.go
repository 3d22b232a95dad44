package dataset

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"ftadvise/calibrate/dataset/tokenizer"
	"ftadvise/calibrate/evidence"
)

// oneLine is a text without an end, in one line.
type oneLine struct{ head string }

func (l *oneLine) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	n := copy(p, l.head)
	l.head = l.head[n:]
	return len(p), nil
}

// TestEndlessLine: a record without an end is refused at --max-record, in memory of that
// order, in every format that has records.
func TestEndlessLine(t *testing.T) {
	tok := small(t)
	for format, head := range map[string]string{"jsonl": `{"text":"`, "csv": "text\n"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		o := Options{Path: "-", Stdin: &oneLine{head}, Format: format, SeqLength: 64, MaxRecordBytes: 1 << 20}
		_, err := Pack(context.Background(), o, tok, filepath.Join(t.TempDir(), "pack"))
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), "the record is longer than 1048576 bytes") {
			t.Errorf("%s: %v", format, err)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 32<<20 {
			t.Errorf("%s: %d bytes were asked for", format, grown)
		}
	}
}

// TestRecordsAsFields: an object whose fields are the records is refused for what it is, at
// once and in one line.
func TestRecordsAsFields(t *testing.T) {
	var b strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&b, `,"id-%06d":{"text":"x"}`, i)
	}
	o := Options{Path: "-", Stdin: strings.NewReader("{" + b.String()[1:] + "}"), Format: "jsonl", SeqLength: 64}
	_, err := Pack(context.Background(), o, small(t), filepath.Join(t.TempDir(), "pack"))
	if err == nil || err.Error() != "-:1: has more than 1000 fields" {
		t.Errorf("%.200v", err)
	}
	o.Stdin = strings.NewReader(`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"n":1}`)
	_, err = Pack(context.Background(), o, small(t), filepath.Join(t.TempDir(), "pack"))
	if err == nil || !strings.HasSuffix(err.Error(), "no known shape has the fields a, b, c, d, e, f, g, h, i, j, k, l and 2 more") {
		t.Error(err)
	}
}

func hasWarning(p packed, code string) bool {
	return slices.ContainsFunc(p.Warnings, func(w evidence.Warning) bool { return w.Code == code })
}

// TestAccuracyIsWithheld where the held-out records are those that train.
func TestAccuracyIsWithheld(t *testing.T) {
	var b, other strings.Builder
	for i := range 60 {
		fmt.Fprintf(&b, `{"text":"%s is what was said of it","label":"%d"}`+"\n", strings.Repeat(fmt.Sprintf("w%d ", i*i), 1+i%5), i%2)
		fmt.Fprintf(&other, `{"text":"none of number %d, nor of %d either, can be told","label":"%d"}`+"\n", i, i*i, i%2)
	}
	data := saved(t, "x.jsonl", b.String())
	leaked := pack(t, Options{Path: data, Validation: data})
	if leaked.classes || !hasWarning(leaked, "accuracy-withheld") || !hasWarning(leaked, "leakage") || leaked.Data.LeakShare != 1 {
		t.Errorf("accuracy of what trains: %v, %+v", leaked.classes, leaked.Warnings)
	}
	if sound := pack(t, Options{Path: data, Validation: saved(t, "v.jsonl", other.String())}); !sound.classes || hasWarning(sound, "accuracy-withheld") {
		t.Errorf("no accuracy of other records: %+v", sound.Warnings)
	}
	if text := pack(t, Options{Path: saved(t, "x.jsonl", pairsJSONL(40))}); text.classes {
		t.Error("pairs are put down as classes")
	}
}

// TestNoEndToken: data are packed without one, and the run says so.
func TestNoEndToken(t *testing.T) {
	tok, err := tokenizer.Parse([]byte(`{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2," ":3},"merges":["a b"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Path: saved(t, "x.jsonl", rows(`{"text":"`+strings.Repeat("ab a b ", 30)+`"}`)), SeqLength: 32}
	p, err := Pack(context.Background(), o, tok, filepath.Join(t.TempDir(), "pack"))
	if err != nil {
		t.Fatal(err)
	}
	if !hasWarning(packed{Packed: p}, "no-end-token") {
		t.Errorf("%+v", p.Warnings)
	}
}

// TestMoreEmbeddingsThanTokens: models pad their embeddings, which is no fault.
func TestMoreEmbeddingsThanTokens(t *testing.T) {
	pack(t, Options{Path: saved(t, "x.jsonl", pairsJSONL(20)), Vocab: math.MaxInt32})
}
