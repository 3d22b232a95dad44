package suite

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"ftadvise/calibrate/dataset/packfile"
	"ftadvise/calibrate/embedded"
	"ftadvise/calibrate/suite/teacher"
)

// TestLessons packs two short lessons of one teacher and one of another: the longer begins
// with the shorter, all hold out the same number of rows, and a pack can be made again.
func TestLessons(t *testing.T) {
	s, bases, _ := tiny(t, "orders")
	s.SeqLength = 16
	units := func(names ...string) []Unit {
		var out []Unit
		for i, name := range names {
			d := lesson(name, "", i/2+1, far, 8+8*i)
			d.EvalRows = 8
			out = append(out, s.Units(bases, []Domain{d}, 1)...)
		}
		return out
	}("short", "long", "other")
	packs := func() map[string]packfile.Pack {
		out := map[string]packfile.Pack{}
		if err := s.Pack(t.Context(), units); err != nil {
			t.Fatal(err)
		}
		for _, u := range units {
			pack, err := packfile.Read(s.Place().Pack(u.Base, u.Domain))
			if err != nil {
				t.Fatal(err)
			}
			out[u.Domain.Name] = pack
		}
		return out
	}
	first := packs()
	if short, long := first["short"], first["long"]; short.Train.N != 8 || long.Train.N != 16 || !slices.Equal(long.Train.IDs[:8*16], short.Train.IDs) ||
		!slices.Equal(short.Eval.IDs, long.Eval.IDs) || slices.Equal(short.Eval.IDs, first["other"].Eval.IDs) {
		t.Errorf("lessons of one teacher: %d and %d rows", short.Train.N, long.Train.N)
	}
	var facts packed
	path := s.Place().Facts(bases[0], units[0].Domain)
	if ok, err := readJSON(path, &facts); !ok || err != nil || facts.TeacherLoss == nil || facts.Data.TrainRows != 8 || facts.Data.Tokens != 8*16 || facts.Domain.TokenDivergence == nil {
		t.Errorf("%v: %+v", err, facts)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if again := packs(); !slices.Equal(again["short"].Train.IDs, first["short"].Train.IDs) {
		t.Error("a lesson made again is another")
	}
}

// TestLessonsDifferInOneThing: each lesson has a neighbour that differs in its rows, its
// rank or its size alone.
func TestLessonsDifferInOneThing(t *testing.T) {
	all := lessons()
	for _, a := range all {
		if a.Family != "taught" {
			continue
		}
		if !slices.ContainsFunc(all, func(b Domain) bool { return b.Family == "taught" && apart(*a.Lesson, *b.Lesson) == 1 }) {
			t.Errorf("%s stands alone", a.Name)
		}
		if a.Lesson.Embeddings != (a.Lesson.Rank == 0) || a.Lesson.Seed != seedTeacher {
			t.Errorf("%s: %+v", a.Name, a.Lesson)
		}
	}
}

func apart(a, b Lesson) int {
	n := 0
	for _, differ := range []bool{a.TrainRows != b.TrainRows, a.Rank != b.Rank, a.Size != b.Size} {
		if differ {
			n++
		}
	}
	return n
}

// TestCommittedLessonsAreOfTheirTeachers: what the curve files say of a lesson's held-out
// rows is what the teacher says of them here.
func TestCommittedLessonsAreOfTheirTeachers(t *testing.T) {
	var f file
	if ok, err := readJSON("curves/1m-own.json", &f); !ok || err != nil {
		t.Fatal(err)
	}
	if f.About.Data.TeacherLoss == nil || math.Abs(*f.About.Data.TeacherLoss-*f.About.Domain.BaseLoss) > 0.005 {
		t.Errorf("the base's own text: %+v", f.About.Data)
	}
	paths, err := embedded.Extract(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	domains, err := Domains([]string{"taught-r1-80k"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("curves/1m-taught-r1-80k.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(f.About.Text, domains[0].About) {
		t.Errorf("the curves tell of %q", f.About.Text)
	}
	model, err := teacher.Load(paths.Base)
	if err != nil {
		t.Fatal(err)
	}
	model.Change(domains[0].Lesson.Change)
	rows := model.Sample(teacher.Rows{N: 8, Length: 128, First: []int32{10}, Seed: seedHeldOut})
	if loss := model.Loss(rows); math.Abs(loss-*f.About.Data.TeacherLoss) > 0.5 {
		t.Errorf("the teacher's loss is %.3f on rows of its own, %.3f in the file", loss, *f.About.Data.TeacherLoss)
	}
}
