package dataset

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"testing"
)

// streamOfBytes is an open source of the given content.
func streamOfBytes(data []byte) *stream {
	st := &stream{source: source{path: "fuzz", stdin: bytes.NewReader(data)}, digest: sha256.New()}
	st.packed = &counter{r: bytes.NewReader(data)}
	st.bare = &counter{r: st.packed, digest: st.digest}
	st.Reader = bufio.NewReaderSize(st.bare, peekBytes)
	return st
}

// drain reads all records and makes an example of each: whatever goes wrong must be
// an *Error of one line, and nothing may go on for ever.
func drain(t *testing.T, r reader, format string) {
	t.Helper()
	var s *shaper
	for n := 0; n < 1<<20; n++ {
		rec, err := r.next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil && s == nil {
			s, err = newShaper(Options{}, format, rec, &chat{})
		}
		if err == nil {
			_, err = s.example(rec)
		}
		if err == nil {
			continue
		}
		var e *Error
		if !errors.As(err, &e) || bytes.ContainsAny([]byte(err.Error()), "\n") {
			t.Fatalf("%T %q", err, err)
		}
		if !isBadRecord(err) {
			return
		}
	}
	t.Fatal("more records than bytes")
}

func fuzzFormat(f *testing.F, format string, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := openReader(streamOfBytes(data), format, Options{}.limits())
		var e *Error
		switch {
		case err == nil:
			drain(t, r, format)
		case !errors.As(err, &e):
			t.Fatalf("%T %v", err, err)
		}
	})
}

func (o Options) limits() Options { o.SeqLength = 64; return o.withDefaults() }

func FuzzJSONL(f *testing.F) {
	fuzzFormat(f, "jsonl", pairsJSONL(3), `{"text":"\ud83d\udc4d","a":[1,{"b":"}"}],"c":null}`, `{"messages":[{"role":"user","content":"x"}]}`, "{}\n\n[]\n5", `{"a":1,"a":2}`)
}

func FuzzJSON(f *testing.F) {
	fuzzFormat(f, "json", `[{"text":"a"},{"text":"b"}]`, `[]`, `[{"text":`, `{"a":1}`, `[1,2]`)
}

func FuzzCSV(f *testing.F) {
	fuzzFormat(f, "csv", pairsTable(3, ","), "text\n\"a\nb\"\n", "a;b\n1;2\n", "a,a\n", "text\n\"x")
}

func FuzzText(f *testing.F) {
	fuzzFormat(f, "text", "one\ntwo\n", "\uFEFFx", "a\x00b", "caf\xe9", "é世👍")
}
