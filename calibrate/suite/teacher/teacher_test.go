package teacher

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"ftadvise/calibrate/embedded"
)

func base(t *testing.T) *Model {
	t.Helper()
	paths, err := embedded.Extract(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m, err := Load(paths.Base)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestGolden holds the forward pass to transformers 5.23, in double precision, on tokens
// that follow a formula.
func TestGolden(t *testing.T) {
	m := base(t)
	rows := make([][]int32, 3)
	for r := range rows {
		for p := range 64 {
			rows[r] = append(rows[r], int32((p*p*7+13*p+101*r+5)%1536))
		}
	}
	if got := m.Loss(rows); math.Abs(got-12.143737064) > 1e-5 {
		t.Errorf("loss %.9f", got)
	}
	r := m.reader(3, 64)
	for p := range 64 {
		r.next([]int32{rows[0][p], rows[1][p], rows[2][p]}, 64)
	}
	for i, want := range []float32{-2.292413, -2.30527, -2.355699, -2.281622, -2.32892, -2.317026} {
		if got := r.logitsOf(2)[i]; math.Abs(float64(got-want)) > 1e-4 {
			t.Errorf("logit %d is %g, not %g", i, got, want)
		}
	}
}

// TestRowsStandAlone: a row depends on the seed and its number, not on how many there are
// or who is read beside it.
func TestRowsStandAlone(t *testing.T) {
	m := base(t)
	m.Change(Change{Rank: 2, Size: 0.25, Seed: 3})
	first := []int32{5, 9, 300}
	many := m.Sample(Rows{N: abreast + 3, Length: 12, First: first, Seed: 7})
	again := m.Sample(Rows{N: abreast + 3, Length: 12, First: first, Seed: 7})
	few := m.Sample(Rows{From: 2, N: 3, Length: 12, First: first, Seed: 7})
	other := m.Sample(Rows{From: 2, N: 3, Length: 12, First: first, Seed: 8})
	if !reflect.DeepEqual(many, again) || !reflect.DeepEqual(many[2:5], few) || reflect.DeepEqual(few, other) {
		t.Errorf("%v\n%v\n%v\n%v", many[:5], again[:5], few, other)
	}
	if reflect.DeepEqual(many[abreast], many[0]) {
		t.Error("two rows are one")
	}
}

// TestTeacherKnowsBest: nobody foretells a teacher's text better than itself.
func TestTeacherKnowsBest(t *testing.T) {
	student, m := base(t), base(t)
	m.Change(Change{Rank: 1, Size: 0.5, Seed: 1})
	rows := m.Sample(Rows{N: 12, Length: 32, First: []int32{5, 9, 300}, Seed: 1})
	if taught, known := m.Loss(rows), student.Loss(rows); known-taught < 0.5 {
		t.Errorf("the teacher's loss is %.3f, the base's %.3f", taught, known)
	}
	own := student.Sample(Rows{N: 12, Length: 32, First: []int32{5, 9, 300}, Seed: 1})
	if known, other := student.Loss(own), m.Loss(own); other-known < 0.5 {
		t.Errorf("the base's loss on its own text is %.3f, another's %.3f", known, other)
	}
}

// layerProjections are looked at: those of the first layer.
const layerProjections = 7

func TestChangeHasItsRankAndSize(t *testing.T) {
	for _, c := range []Change{{Rank: 1, Size: 0.25, Seed: 1}, {Rank: 8, Size: 0.5, Seed: 2}, {Size: 0.25, Seed: 3, Embeddings: true}, {Rank: 2, Seed: 4}} {
		before, after := base(t), base(t)
		after.Change(c)
		for i, x := range before.projections()[:layerProjections] {
			delta, rank := difference(after.projections()[i], x), c.Rank
			if c.Rank == 0 {
				rank = min(x.out, x.in)
			}
			if c.Size == 0 {
				rank = 0
			}
			if got := rankOf(delta); got != rank {
				t.Errorf("%+v: rank %d of projection %d", c, got, i)
			}
			if got := delta.size() / x.size(); math.Abs(got-c.Size) > 1e-4 {
				t.Errorf("%+v: size %g of projection %d", c, got, i)
			}
		}
		moved := difference(after.embedding, before.embedding).size() / before.embedding.size()
		if c.Embeddings != (math.Abs(moved-c.Size) < 1e-4 && c.Size > 0) || !c.Embeddings && moved != 0 {
			t.Errorf("%+v: embeddings moved by %g", c, moved)
		}
	}
}

func difference(x, y matrix) matrix {
	z := matrix{x.out, x.in, make([]float32, len(x.w))}
	for i := range z.w {
		z.w[i] = x.w[i] - y.w[i]
	}
	return z
}

// rankOf counts pivots of an elimination with full pivoting that are above rounding.
func rankOf(m matrix) int {
	w := make([]float64, len(m.w))
	for i, v := range m.w {
		w[i] = float64(v)
	}
	first := 0.0
	for rank := range min(m.out, m.in) {
		row, col, highest := rank, rank, 0.0
		for i := rank; i < m.out; i++ {
			for j := rank; j < m.in; j++ {
				if a := math.Abs(w[i*m.in+j]); a > highest {
					row, col, highest = i, j, a
				}
			}
		}
		if rank == 0 {
			first = highest
		}
		if highest <= 1e-4*first {
			return rank
		}
		for j := range m.in {
			w[row*m.in+j], w[rank*m.in+j] = w[rank*m.in+j], w[row*m.in+j]
		}
		for i := range m.out {
			w[i*m.in+col], w[i*m.in+rank] = w[i*m.in+rank], w[i*m.in+col]
		}
		for i := rank + 1; i < m.out; i++ {
			f := w[i*m.in+rank] / w[rank*m.in+rank]
			for j := rank; j < m.in; j++ {
				w[i*m.in+j] -= f * w[rank*m.in+j]
			}
		}
	}
	return min(m.out, m.in)
}

// TestOtherModelsAreRefused: what the forward pass does not know would give wrong text.
func TestOtherModelsAreRefused(t *testing.T) {
	paths, err := embedded.Extract(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(paths.Base, "config.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	config := map[string]any{}
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	config["hidden_act"] = "gelu"
	if text, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(paths.Base); err == nil || !strings.Contains(err.Error(), "plain Llama") {
		t.Errorf("got %v", err)
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("an empty folder was read")
	}
}
