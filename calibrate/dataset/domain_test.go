package dataset

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// prose makes text of n words drawn from the given number of different ones.
func prose(seed uint64, n, words int) string {
	r := rand.New(rand.NewPCG(seed, 1))
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "w%x", r.IntN(words))
		if i%12 == 11 {
			b.WriteString(".\n")
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// TestNarrowness orders texts as their variety does: 0 for general text itself,
// near 1 for a record repeated.
func TestNarrowness(t *testing.T) {
	general := prose(1, 20000, 5000)
	of := func(text string) (narrow, divergence float64) {
		p := pack(t, Options{Path: saved(t, "x.txt", text), General: strings.NewReader(general), EvalRows: 8})
		if p.general.N != 8 {
			t.Errorf("%d general rows", p.general.N)
		}
		return *p.Domain.Narrowness, *p.Domain.TokenDivergence
	}
	same, sameDivergence := of(prose(2, 20000, 5000))
	fewer, fewerDivergence := of(prose(2, 20000, 100))
	repeated, _ := of(strings.Repeat("The same record, again and again.\n", 3000))
	if same > 0.05 || fewer < same+0.2 || repeated < 0.98 || repeated > 1 {
		t.Errorf("narrowness %g, %g, %g", same, fewer, repeated)
	}
	if sameDivergence > 0.02 || fewerDivergence < sameDivergence {
		t.Errorf("divergence %g, %g", sameDivergence, fewerDivergence)
	}
}

func TestDivergenceAndEntropy(t *testing.T) {
	a, b := map[int32]float64{1: 2, 2: 2}, map[int32]float64{3: 5}
	if d := divergence(a, b); math.Abs(d-1) > 1e-12 {
		t.Errorf("%g bits between texts that share nothing, want 1", d)
	}
	if d := divergence(a, map[int32]float64{1: 7, 2: 7}); d > 1e-12 {
		t.Errorf("%g bits between equal distributions", d)
	}
	if h := entropy(map[int32]float64{1: 1, 2: 1, 3: 1, 4: 1}); math.Abs(h-2) > 1e-12 {
		t.Errorf("%g bits of four equal ones, want 2", h)
	}
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.MapOfN(rapid.Int32Range(0, 50), rapid.Float64Range(1, 1000), 1, 40)
		a, b := counts.Draw(t, "a"), counts.Draw(t, "b")
		ab, ba := divergence(a, b), divergence(b, a)
		if ab < 0 || ab > 1+1e-12 || math.Abs(ab-ba) > 1e-9 {
			t.Fatalf("%g and %g", ab, ba)
		}
	})
}

// TestMinHash compares the estimate with the Jaccard similarity of the shingles.
func TestMinHash(t *testing.T) {
	words := strings.Fields(prose(3, 400, 5000))
	for _, changed := range []int{0, 5, 20, 60} {
		other := slices.Clone(words)
		for i := range changed {
			other[i*(len(words)/max(changed, 1))] = fmt.Sprintf("other%d", i)
		}
		s, u := signatureOf(strings.Join(words, " ")), signatureOf(strings.Join(other, " "))
		if got, want := s.similarity(&u), jaccard(words, other); math.Abs(got-want) > 0.15 {
			t.Errorf("%d words changed: %g, want %g", changed, got, want)
		}
	}
}

func jaccard(a, b []string) float64 {
	shingles := func(words []string) map[string]bool {
		out := map[string]bool{}
		for i := 0; i+shingleWords <= len(words); i++ {
			out[strings.Join(words[i:i+shingleWords], " ")] = true
		}
		return out
	}
	x, y := shingles(a), shingles(b)
	both := 0
	for s := range x {
		if y[s] {
			both++
		}
	}
	return float64(both) / float64(len(x)+len(y)-both)
}

// TestDistinct is exact while it is small, and near when it samples.
func TestDistinct(t *testing.T) {
	d := newDistinct()
	for i := range uint64(1000) {
		d.add(mix(i%400, 1))
	}
	if got := d.duplicateShare(); math.Abs(got-0.6) > 1e-9 {
		t.Errorf("%g, want 0.6", got)
	}
	big := newDistinct()
	for i := range uint64(3 << 20) {
		big.add(mix(i%(2<<20), 1))
	}
	if len(big.seen) > maxKeys {
		t.Errorf("%d keys are kept", len(big.seen))
	}
	if got := big.duplicateShare(); math.Abs(got-1.0/3) > 0.02 {
		t.Errorf("%g, want a third", got)
	}
}

// BenchmarkRead measures reading records of which few are kept.
func BenchmarkRead(b *testing.B) {
	tok := small(b)
	for b.Loop() {
		stream := &endless{left: 20_000}
		o := Options{Path: "-", Stdin: stream, Format: "jsonl", SeqLength: 64, MaxTrainRows: 200, EvalRows: 20}.withDefaults()
		c, err := collect(context.Background(), o, tok)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(c.bytes)
	}
}

// TestSameEvidenceTwice: packing the same data twice tells the same to the last bit.
func TestSameEvidenceTwice(t *testing.T) {
	data, general := prose(4, 8000, 700), prose(5, 8000, 900)
	first := Packed{}
	for i := range 3 {
		p := pack(t, Options{Path: saved(t, "x.txt", data), General: strings.NewReader(general)})
		p.Path = ""
		if i == 0 {
			first = p.Packed
		} else if diff := cmp.Diff(first, p.Packed); diff != "" {
			t.Fatal(diff)
		}
	}
}
