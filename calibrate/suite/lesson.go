package suite

import (
	"io"

	"ftadvise/calibrate/dataset"
	"ftadvise/calibrate/dataset/tokenizer"
	"ftadvise/calibrate/embedded"
	"ftadvise/calibrate/suite/teacher"
)

// Lesson is text that a teacher wrote: the base that is tuned, changed in a known way.
// What there is to learn is the change and nothing else.
type Lesson struct {
	teacher.Change
	TrainRows int
}

// Sizes of a teacher's change to each matrix, in the matrix's norms. At the smaller one
// the 1m base is .4 to .7 nats behind its teacher, at the larger one 1.9 to 3.4.
const (
	near = 0.25
	far  = 0.5
)

// Rows of 128 tokens that train.
const (
	rows20k  = 160
	rows40k  = 320
	rows80k  = 640
	rows160k = 1280
)

// lessons differ from a neighbour in one thing: how much text there is, the rank of what
// is to be learned, or its size. What they are for was written down before any was
// trained. An estimate of n numbers from t tokens costs about n/2t nats, so that the
// fewer numbers of LoRA should win where the rank is low and the text short, and full
// where it is neither; between them lie ties.
func lessons() []Domain {
	return []Domain{
		lesson("taught-r1-80k", "rank 1, some text: LoRA should win", 1, near, rows80k),
		lesson("taught-full-80k", "full rank and embeddings, some text: LoRA cannot hold it, full cannot estimate it", 0, near, rows80k),
		lesson("taught-far-r1-80k", "rank 1 and far, some text: LoRA should win by more than where it is near", 1, far, rows80k),
		lesson("taught-r1-160k", "rank 1, more text: LoRA's lead should shrink", 1, near, rows160k),
		lesson("taught-r8-80k", "rank 8, some text: LoRA can hold it, at eight times the numbers", 8, near, rows80k),
		lesson("taught-full-160k", "full rank and embeddings, more text: full should win", 0, near, rows160k),
		lesson("taught-far-full-80k", "full rank, embeddings and far, some text: full should win", 0, far, rows80k),
		lesson("taught-r1-20k", "rank 1, little text: both over-fit, LoRA less", 1, near, rows20k),
		lesson("taught-far-r8-80k", "rank 8 and far, some text: between rank 1 and full rank", 8, far, rows80k),
		lesson("taught-r8-160k", "rank 8, more text: LoRA's lead should shrink", 8, near, rows160k),
		lesson("taught-far-full-160k", "full rank, embeddings and far, more text: full should win by more", 0, far, rows160k),
		{Name: "own", Family: "own", RateShare: 1.0 / 32, File: "own", About: "rows that the base itself wrote: there is nothing to learn",
			Lesson: &Lesson{TrainRows: rows40k}},
	}
}

// lesson is text of a teacher whose change is the same for all lessons of its rank and
// size. Full rank has the embeddings changed as well.
func lesson(name, about string, rank int, size float64, rows int) Domain {
	return Domain{Name: name, Family: "taught", RateShare: size / 2, File: name, About: "rows that the base wrote after a random change: " + about,
		Lesson: &Lesson{teacher.Change{Rank: rank, Size: size, Embeddings: rank == 0, Seed: seedTeacher}, rows}}
}

// Seeds of the changes and of the rows. The held-out ones are the same for all lessons of one teacher, and
// those that train begin with those of a shorter lesson.
const (
	seedTeacher = iota + 101
	seedTrain
	seedHeldOut
)

// school keeps what teachers have written, since a longer lesson begins with a shorter one.
type school map[class]*taught

type class struct {
	base string // folder
	teacher.Change
}

type taught struct {
	model       *teacher.Model
	train, eval [][]int32
}

// class finds or makes the teacher of a base.
func (s school) class(base string, l Lesson) (*taught, error) {
	key := class{base, l.Change}
	if s[key] == nil {
		model, err := teacher.Load(base)
		if err != nil {
			return nil, err
		}
		model.Change(l.Change)
		s[key] = &taught{model: model}
	}
	return s[key], nil
}

// write has the teacher write as many rows as are still wanted.
func (t *taught) write(trainRows, evalRows, length int, first []int32) dataset.Made {
	more := func(to [][]int32, rows int, seed uint64) [][]int32 {
		missing := max(0, rows-len(to))
		return append(to, t.model.Sample(teacher.Rows{From: len(to), N: missing, Length: length, First: first, Seed: seed})...)
	}
	t.train, t.eval = more(t.train, trainRows, seedTrain), more(t.eval, evalRows, seedHeldOut)
	return dataset.Made{Train: t.train[:trainRows], Eval: t.eval[:evalRows]}
}

// pack writes a lesson's rows, each begun with a token of general text.
func (s school) pack(base string, l Lesson, o dataset.Options, tok *tokenizer.Tokenizer, out string) (packed, error) {
	t, err := s.class(base, l)
	if err != nil {
		return packed{}, err
	}
	text, err := io.ReadAll(embedded.General())
	if err != nil {
		return packed{}, err
	}
	rows := t.write(l.TrainRows, o.EvalRows, o.SeqLength, tok.Encode(string(text), false))
	made, err := dataset.PackMade(o, rows, tok, out)
	return packed{made, new(decimals(t.model.Loss(rows.Eval)))}, err
}
