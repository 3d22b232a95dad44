package packfile

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// twoRows holds three documents, the second of which carries no loss.
func twoRows() Rows {
	r := NewRows(2, 6)
	for at, segment := range []int32{1, 1, 1, 2, 2, 0, 1, 1, 1, 1, 0, 0} {
		r.Set(at, int32(10+at), segment == 1 && at%6 > 0, segment)
	}
	return r
}

func TestRoundTrip(t *testing.T) {
	for _, p := range []Pack{{Train: twoRows(), Eval: twoRows().Slice(1, 2)}, {Train: twoRows(), Eval: twoRows(), General: twoRows(), Classes: true}} {
		path := filepath.Join(t.TempDir(), "pack.safetensors")
		if err := Write(path, p); err != nil {
			t.Fatal(err)
		}
		got, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestNotAPack(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("not a pack"), 0o600); err != nil {
		t.Fatal(err)
	}
	noRows := filepath.Join(dir, "no rows")
	if err := Write(noRows, Pack{Train: twoRows()}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "missing"), text, noRows} {
		_, err := Read(path)
		var hinted interface{ Hint() string }
		if err == nil || !errors.As(err, &hinted) || hinted.Hint() == "" {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
	}
}

func TestAnswers(t *testing.T) {
	of, n := twoRows().Answers()
	if n != 2 || !slices.Equal(of, []int{0, 0, 1, 1, 1}) {
		t.Errorf("%d answers: %v", n, of)
	}
}

// TestAnswersOfAnyRows: as many as there are segments with labels, one number a label.
func TestAnswersOfAnyRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.IntRange(1, 9).Draw(t, "length")
		r := NewRows(rapid.IntRange(0, 5).Draw(t, "rows"), length)
		want := map[[2]int]bool{}
		var segment int32
		for i := range r.IDs {
			if i%length == 0 {
				segment = 1
			} else if rapid.Bool().Draw(t, "next") {
				segment++
			}
			loss := rapid.Bool().Draw(t, "loss")
			r.Set(i, 1, loss, segment)
			if loss {
				want[[2]int{i / length, int(segment)}] = true
			}
		}
		of, n := r.Answers()
		if n != len(want) || int64(len(of)) != r.Predicted() || len(of) > 0 && of[len(of)-1] != n-1 || !slices.IsSorted(of) {
			t.Fatalf("%d answers of %d: %v", n, len(want), of)
		}
	})
}

func TestOrder(t *testing.T) {
	a, b := Order(100, 1, 0), Order(100, 1, 0)
	if !slices.Equal(a, b) {
		t.Error("the same seed and epoch give two orders")
	}
	if slices.Equal(a, Order(100, 1, 1)) || slices.Equal(a, Order(100, 2, 0)) {
		t.Error("another epoch or seed gives the same order")
	}
	slices.Sort(a)
	for i, v := range a {
		if i != v {
			t.Fatalf("not a permutation: %v", a)
		}
	}
}
