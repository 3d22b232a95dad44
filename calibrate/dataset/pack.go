package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"ftadvise/calibrate/dataset/packfile"
	"ftadvise/calibrate/dataset/tokenizer"
)

// Pack reads the data that o names, writes the packed rows to the file out and
// returns what it found. Nothing is written if the data cannot be used.
func Pack(ctx context.Context, o Options, tok *tokenizer.Tokenizer, out string) (Packed, error) {
	if err := o.check(tok); err != nil {
		return Packed{}, err
	}
	o = o.withDefaults()
	c, err := collect(ctx, o, tok)
	if err != nil {
		return Packed{}, err
	}
	s, err := c.split(ctx, tok)
	if err != nil {
		return Packed{}, err
	}
	return c.write(s, tok, out)
}

// write packs both sides of a split and tells what was found.
func (c *collected) write(s split, tok *tokenizer.Tokenizer, out string) (Packed, error) {
	train, eval := s.rows(c)
	if err := tok.Err(); err != nil {
		return Packed{}, err
	}
	if err := enough(c, train, eval); err != nil {
		return Packed{}, err
	}
	general, err := readGeneral(c.o, c.encoder)
	if err != nil {
		return Packed{}, err
	}
	if err := fits(c.o, tok, train, eval, general.rows); err != nil {
		return Packed{}, err
	}
	f := findings{collected: c, split: s, train: train, eval: eval, general: general}
	data := f.data()
	p := packfile.Pack{Train: train, Eval: eval, General: general.rows, Classes: data.Shape == classes && data.LeakShare <= leakedAccuracy}
	if err := packfile.Write(out, p); err != nil {
		return Packed{}, fmt.Errorf("dataset: %w", err)
	}
	return Packed{Data: data, Domain: f.domain(), Warnings: f.warnings(data), Path: out}, nil
}

// leakedAccuracy is the share of held-out records that also train beyond which an
// accuracy is not measured: it would say how well they were learnt by heart.
const leakedAccuracy = 0.5

// enough refuses rows that would train or measure nothing.
func enough(c *collected, train, eval packfile.Rows) error {
	name := c.o.Path
	if train.N > 0 && train.Predicted() == 0 || eval.N > 0 && eval.Predicted() == 0 {
		if s := c.shaper.shape; s == "messages" || s == "sharegpt" {
			return refuse(name, "no token to train on: there is no message of the assistant's, or each lies beyond the sequence length",
				fmt.Sprintf("its role is assistant, or gpt after \"from\"; check the roles, or raise the sequence length above %d tokens", c.o.SeqLength))
		}
		return refuse(name, "no token to train on: every completion is empty or lies beyond the sequence length",
			fmt.Sprintf("raise the sequence length above %d tokens, or check which fields are the prompt and the completion", c.o.SeqLength))
	}
	if eval.N == 0 && c.held != nil {
		return refuse(c.o.Validation, fmt.Sprintf("no token to measure on: %d tokens in %d records, for rows of %d", c.held.tokens, c.held.records, c.o.SeqLength),
			"bring more held-out data, or check which fields are the prompt and the completion")
	}
	if train.N == 0 || eval.N == 0 {
		return c.tooLittle()
	}
	return nil
}

// fits refuses tokens that the model has no embedding for.
func fits(o Options, tok *tokenizer.Tokenizer, sets ...packfile.Rows) error {
	for _, r := range sets {
		for _, id := range r.IDs {
			if o.Vocab > 0 && int(id) >= o.Vocab {
				token, _ := tok.Token(id)
				return refuse(tok.Dir, fmt.Sprintf("the token %q has the id %d, but the model has embeddings for %d tokens only", token, id, o.Vocab),
					"the tokenizer belongs to another model; bring the two from one place")
			}
		}
	}
	return nil
}

// generalText is text of no particular domain.
type generalText struct {
	rows   packfile.Rows
	tokens []int32
}

// maxGeneralBytes is more than the rows kept need; the rest would cost time only.
const maxGeneralBytes = 8 << 20

// readGeneral takes rows from the whole of the general text, evenly spaced.
func readGeneral(o Options, e encoder) (generalText, error) {
	if o.General == nil {
		return generalText{}, nil
	}
	data, err := io.ReadAll(io.LimitReader(o.General, maxGeneralBytes))
	if err != nil {
		return generalText{}, fmt.Errorf("dataset: read general text: %w", err)
	}
	ids := e.tok.Encode(string(data), false)
	n := len(ids) / o.SeqLength
	if n == 0 {
		return generalText{}, refuse("general text", fmt.Sprintf("%d tokens are fewer than one row of %d", len(ids), o.SeqLength), "give more general text")
	}
	keep := min(n, o.EvalRows)
	picked := encoded{}
	for i := range keep {
		from := i * n / keep * o.SeqLength
		picked.ids = append(picked.ids, ids[from:from+o.SeqLength]...)
	}
	picked.loss = allTrue(len(picked.ids))
	return generalText{streamRows(picked, o.SeqLength, 0), ids}, nil
}

func allTrue(n int) []bool {
	out := make([]bool, n)
	for i := range out {
		out[i] = true
	}
	return out
}

// readAhead is how many records lie between two looks at the context.
const readAhead = 256

// collected is the data after one pass over it.
type collected struct {
	o        Options
	encoder  encoder
	format   string
	shaper   *shaper
	chat     *chat
	pool     pool
	digests  []string // of the files, in order
	records  int64
	bytes    int64
	skipped  int64 // bad records
	firstBad error
	empty    int64 // examples without a token that carries loss
	cut      int64 // of the tokenised ones
	encoded  int64 // examples tokenised
	tokens   int64 // in them
	lines    int64 // of plain text
	distinct distinct
	labels   map[string]int64
	seq      int64
	glance   bool       // only how the data are read matters, not what they hold
	splits   [2]string  // a training and a held-out file among those read as one
	held     *collected // the user's own held-out data; nil: a part of these
}

func collect(ctx context.Context, o Options, tok *tokenizer.Tokenizer) (*collected, error) {
	sources, err := find(o)
	if err != nil {
		return nil, err
	}
	chat, err := newChat(o, tok)
	if err != nil {
		return nil, err
	}
	c := &collected{o: o, encoder: newEncoder(tok), chat: chat, labels: map[string]int64{}, distinct: newDistinct()}
	// Some room beyond the rows asked for, since whole groups are held out.
	rows := int64(o.MaxTrainRows + o.EvalRows)
	c.splits[0], c.splits[1] = mixedSplits(sources)
	c.pool.budget = (rows + rows/16 + 4) * int64(o.SeqLength)
	for _, src := range sources {
		if err := c.source(ctx, src); err != nil {
			return nil, err
		}
	}
	if c.records == 0 {
		if c.firstBad != nil {
			return nil, c.firstBad
		}
		return nil, refuse(o.Path, "no records", "give a file with data in it")
	}
	return c, nil
}

func (c *collected) source(ctx context.Context, src source) error {
	st, err := src.open()
	if err != nil {
		return err
	}
	defer st.Close()
	format := c.o.Format
	if format == "" {
		format = formatOf(st)
	}
	if c.format != "" && format != c.format {
		return refuse(src.path, fmt.Sprintf("the file is %s, those before it are %s", format, c.format), "bring files of one format, or name them by a glob")
	}
	c.format = format
	r, err := openReader(st, format, c.o)
	if err != nil {
		return st.readError(err)
	}
	if err := c.readAll(ctx, r); err != nil {
		return st.readError(err)
	}
	digest, err := st.finish()
	c.digests = append(c.digests, digest)
	c.seq++ // a gap, so that texts of two files are not neighbours
	return err
}

func (c *collected) readAll(ctx context.Context, r reader) error {
	for n := 0; ; n++ {
		if n%readAhead == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if c.glance && c.shaper != nil {
			return nil
		}
		rec, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = c.record(rec)
		}
		if err := c.tolerate(err); err != nil {
			return err
		}
	}
}

// tolerate counts a bad record instead of failing, if the user wishes so.
func (c *collected) tolerate(err error) error {
	if err == nil || !c.o.SkipBad || !isBadRecord(err) {
		return err
	}
	if c.firstBad == nil {
		c.firstBad = err
	}
	c.skipped++
	return nil
}

// record makes an example of a record and offers it to the pool.
func (c *collected) record(r record) error {
	if c.shaper == nil {
		s, err := newShaper(c.o, c.format, r, c.chat)
		if err != nil {
			return err
		}
		c.shaper = s
	}
	if c.glance {
		return nil
	}
	x, err := c.shaper.example(r)
	if err != nil {
		return err
	}
	c.records++
	c.bytes += x.bytes
	if c.format == "text" {
		c.lines += int64(strings.Count(x.parts[0].text, "\n"))
	}
	if x.label != "" && (len(c.labels) < maxLabels || c.labels[x.label] > 0) {
		c.labels[x.label]++
	}
	k := kept{example: x, seq: c.seq, key: contentKey(x.text())}
	c.seq++
	c.distinct.add(k.key)
	k.hash = mix(groupKey(x.group, k.key), c.o.Seed)
	if c.pool.wants(k) {
		c.keep(k)
	}
	return nil
}

const maxLabels = 1000

func groupKey(group string, key uint64) uint64 {
	if group == "" {
		return key
	}
	return contentKey("group " + group)
}

// keep tokenises an example and adds it to the pool.
func (c *collected) keep(k kept) {
	if c.format == "text" {
		// Neighbouring blocks are joined and tokenised once more at the end.
		k.cost = int64(len(c.encoder.tok.Encode(k.text(), false)))
		c.count(k.cost)
		c.pool.add(k)
		return
	}
	k.tok = c.encoder.encode(k.example)
	c.count(int64(len(k.tok.ids)))
	if len(k.tok.ids) > c.o.SeqLength {
		c.cut++
		if c.shaper.shape != "text" {
			k.tok = k.tok.cut(c.o.SeqLength)
		}
	}
	if k.tok.labelled() == 0 {
		c.empty++
		return
	}
	k.cost = int64(len(k.tok.ids))
	if c.o.Pad {
		rows := (len(k.tok.ids) + c.o.SeqLength - 1) / c.o.SeqLength
		k.cost = int64(rows * c.o.SeqLength)
	}
	c.pool.add(k)
}

func (c *collected) count(tokens int64) {
	c.encoded++
	c.tokens += tokens
}
