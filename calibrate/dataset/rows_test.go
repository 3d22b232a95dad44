package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ftadvise/calibrate/dataset/packfile"
)

// TestRowInvariants packs random examples and checks what the engine relies on.
func TestRowInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.IntRange(2, 40).Draw(t, "length")
		b := rowBuilder{length: length, pad: rapid.Bool().Draw(t, "pad")}
		var tokens, learned int64
		for i, n := range rapid.SliceOfN(rapid.IntRange(1, length), 1, 60).Draw(t, "sizes") {
			e := encoded{ids: make([]int32, n), loss: make([]bool, n)}
			for j := range n {
				e.ids[j], e.loss[j] = int32(100*i+j), j > n/2
				if j > 0 && e.loss[j] {
					learned++
				}
			}
			tokens += int64(n)
			b.add(e)
		}
		r := b.build(7)
		checkRows(t, r, 7)
		var got int64
		for _, s := range r.Segments {
			if s > 0 {
				got++
			}
		}
		if got != tokens || r.Predicted() != learned {
			t.Fatalf("%d tokens and %d labels, want %d and %d", got, r.Predicted(), tokens, learned)
		}
	})
}

func checkRows(t interface{ Fatalf(string, ...any) }, r packfile.Rows, pad int32) {
	if len(r.IDs) != r.N*r.SeqLength || len(r.Labels) != len(r.IDs) || len(r.Segments) != len(r.IDs) {
		t.Fatalf("%d ids, %d labels, %d segments of %d rows of %d", len(r.IDs), len(r.Labels), len(r.Segments), r.N, r.SeqLength)
	}
	for i := range r.IDs {
		first := i%r.SeqLength == 0
		last := int32(0)
		if !first {
			last = r.Segments[i-1]
		}
		s := r.Segments[i]
		switch {
		case s == 0 && (r.IDs[i] != pad || r.Labels[i] != packfile.IgnoreLabel):
			t.Fatalf("padding %d has id %d, label %d", i, r.IDs[i], r.Labels[i])
		case s != 0 && s != last && s != last+1, !first && s != 0 && last == 0, first && s > 1:
			t.Fatalf("segment %d follows %d at %d", s, last, i)
		case s != last && r.Labels[i] != packfile.IgnoreLabel:
			t.Fatalf("the first of segment %d has a label", s)
		case r.Labels[i] != packfile.IgnoreLabel && r.Labels[i] != r.IDs[i]:
			t.Fatalf("label %d of id %d", r.Labels[i], r.IDs[i])
		}
	}
}

// TestSplitKeepsGroups: equal records, and those of one group, lie on one side; the
// order of the file does not matter; the held-out side does not depend on how much
// is kept for training.
func TestSplitKeepsGroups(t *testing.T) {
	var b strings.Builder
	for i := range 300 {
		fmt.Fprintf(&b, `{"text":"record %d of a kind","g":"group %d"}`+"\n", i%100, i%20)
	}
	data := saved(t, "x.jsonl", b.String())
	for _, fields := range []map[string]string{nil, {"group": "g"}} {
		c, err := collect(context.Background(), Options{Path: data, SeqLength: 32, Fields: fields}.withDefaults(), small(t))
		if err != nil {
			t.Fatal(err)
		}
		s, err := divide(c)
		if err != nil {
			t.Fatal(err)
		}
		side := map[string]string{}
		for name, items := range map[string][]kept{"train": s.train, "eval": s.eval} {
			for _, k := range items {
				key := k.text()
				if fields != nil {
					key = k.group
				}
				if other, ok := side[key]; ok && other != name {
					t.Errorf("%q is on both sides", key)
				}
				side[key] = name
			}
		}
		if len(s.eval) == 0 || len(s.train) < len(s.eval) || c.distinct.duplicateShare() < 0.66 {
			t.Errorf("%d train, %d held out, %g duplicates", len(s.train), len(s.eval), c.distinct.duplicateShare())
		}
	}
	many := pack(t, Options{Path: data, SeqLength: 32, EvalRows: 4, MaxTrainRows: 1000})
	few := pack(t, Options{Path: data, SeqLength: 32, EvalRows: 4, MaxTrainRows: 40})
	if !slices.Equal(many.eval.IDs, few.eval.IDs) || few.train.N > 40 {
		t.Errorf("the held-out rows depend on the training rows kept: %d, %d", many.eval.N, few.eval.N)
	}
	if ratio := float64(few.Data.Tokens) / float64(many.Data.Tokens); ratio < 0.9 || ratio > 1.1 {
		t.Errorf("an epoch of %d tokens is put at %d from a sample", many.Data.Tokens, few.Data.Tokens)
	}
	other := pack(t, Options{Path: data, SeqLength: 32, EvalRows: 4, Seed: 5})
	if slices.Equal(many.eval.IDs, other.eval.IDs) {
		t.Error("the seed does not matter")
	}
}

// TestTextStream cuts plain text into rows without a gap.
func TestTextStream(t *testing.T) {
	tok := small(t)
	var b strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&b, "Line %d says the quick brown fox.\n", i)
	}
	p := pack(t, Options{Path: saved(t, "x.txt", b.String()), EvalRows: 20, MaxTrainRows: 100000})
	checkRows(t, p.train, 0)
	checkRows(t, p.eval, 0)
	if p.Data.Records != 3000 {
		t.Errorf("%d lines", p.Data.Records)
	}
	if p.eval.N != 20 || slices.Contains(p.train.Segments, 0) || slices.Contains(p.train.Segments, 2) {
		t.Errorf("%d held-out rows", p.eval.N)
	}
	whole := int64(len(tok.Encode(b.String(), false)))
	kept := int64(p.train.N*64 + p.eval.N*64)
	if kept < whole*9/10 || kept > whole*11/10 || p.Data.Tokens < whole*7/10 {
		t.Errorf("%d of %d tokens kept, %d counted", kept, whole, p.Data.Tokens)
	}
	evalText := tok.DecodePlain(p.eval.IDs)
	for _, line := range strings.Split(evalText, "\n")[1:20] {
		if strings.Count(tok.DecodePlain(p.train.IDs), line+"\n") > 0 && strings.HasPrefix(line, "Line ") && strings.HasSuffix(line, "fox.") {
			t.Errorf("%q is on both sides", line)
		}
	}
}

// endless is a stream of records that is made as it is read.
type endless struct {
	left int
	rest []byte
	made int
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		if e.left == 0 {
			return 0, io.EOF
		}
		e.left--
		e.made++
		e.rest = fmt.Appendf(nil, `{"text":"record number %d: %s"}`+"\n", e.made, strings.Repeat("some words of text ", 20))
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// TestBoundedMemory reads 20 MB and keeps the few rows asked for.
func TestBoundedMemory(t *testing.T) {
	tok := small(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	o := Options{Path: "-", Stdin: &endless{left: 50_000}, Format: "jsonl", SeqLength: 64, MaxTrainRows: 200, EvalRows: 20}.withDefaults()
	c, err := collect(context.Background(), o, tok)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	grown := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	if c.records != 50_000 || c.bytes < 18<<20 || grown > 12<<20 {
		t.Errorf("%d records, %d bytes read, the heap grew by %d", c.records, c.bytes, grown)
	}
	if len(c.pool.items) > 400 || c.encoded > 20_000 {
		t.Errorf("%d records kept, %d tokenised", len(c.pool.items), c.encoded)
	}
	runtime.KeepAlive(c)
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	o := Options{Path: "-", Stdin: &endless{left: math.MaxInt}, Format: "jsonl", SeqLength: 64}
	if _, err := Pack(ctx, o, small(t), filepath.Join(t.TempDir(), "x")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
