package dataset

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"ftadvise/calibrate/dataset/packfile"
	"ftadvise/calibrate/dataset/tokenizer"
)

// split is which examples train and which are held out.
type split struct {
	train, eval []kept
	// torn: all examples are equal, so equal ones had to go to both sides.
	torn bool
}

// The least that can be split: fewer examples, or rows of a text, would hold out
// what a single one decides.
const (
	leastRecords = 8
	leastRows    = 8
	evalShare    = 5 // one in five at most
)

func (c *collected) tooLittle() error {
	advice := fmt.Sprintf("at least %d records are needed; bring more", leastRecords)
	what := fmt.Sprintf("%d records (%d tokens) are too few to hold some out", c.records, c.tokens)
	if c.records == 1 {
		what = fmt.Sprintf("one record (%d tokens) is too little to hold some out", c.tokens)
	}
	if c.format == "text" {
		what = fmt.Sprintf("%d tokens are too few to cut into rows of %d and hold some out", c.tokens, c.o.SeqLength)
		advice = fmt.Sprintf("at least %d rows, %d tokens, are needed; bring more text or shorten the sequence length", leastRows, leastRows*c.o.SeqLength)
	}
	return refuse(c.o.Path, what, advice)
}

// split reads the user's own held-out data where there are some, else it divides.
func (c *collected) split(ctx context.Context, tok *tokenizer.Tokenizer) (split, error) {
	if c.o.Validation == "" {
		return divide(c)
	}
	var err error
	if c.held, err = collect(ctx, c.o.validation(), tok); err != nil {
		return split{}, err
	}
	if c.held.shaper.shape != c.shaper.shape {
		return split{}, refuse(c.o.Validation, fmt.Sprintf("the held-out data are of the shape %s, the others %s", c.held.shaper.shape, c.shaper.shape),
			"bring data of one shape, or name it with --shape and --field")
	}
	return split{train: c.pool.sorted(), eval: c.held.pool.sorted()}, nil
}

// divide holds out the examples with the lowest hashes: as many as EvalRows rows
// need, and a fifth of all at most.
func divide(c *collected) (split, error) {
	items := c.pool.sorted()
	if len(items) == 0 && c.empty > 0 {
		return split{}, enough(c, packfile.Rows{N: 1}, packfile.Rows{N: 1})
	}
	if c.format == "text" && c.pool.cost < int64(leastRows*c.o.SeqLength) || c.format != "text" && c.records < leastRecords {
		return split{}, c.tooLittle()
	}
	want := min(int64(c.o.EvalRows)*int64(c.o.SeqLength), c.pool.cost/evalShare)
	var s split
	var held int64
	for group := range groups(items) {
		cost := costOf(group)
		if held < want && cost <= c.pool.cost/2 {
			s.eval = append(s.eval, group...)
			held += cost
			continue
		}
		s.train = append(s.train, group...)
	}
	if len(s.eval) == 0 {
		s = tear(s.train, want)
	}
	if len(s.train) == 0 || len(s.eval) == 0 {
		return s, c.tooLittle()
	}
	return s, nil
}

// groups yields the runs of items with one hash.
func groups(items []kept) func(func([]kept) bool) {
	return func(yield func([]kept) bool) {
		for start := 0; start < len(items); {
			end := start + 1
			for end < len(items) && items[end].hash == items[start].hash {
				end++
			}
			if !yield(items[start:end]) {
				return
			}
			start = end
		}
	}
}

func costOf(items []kept) int64 {
	var cost int64
	for _, k := range items {
		cost += k.cost
	}
	return cost
}

// tear splits data in which one group is more than half of all: nothing else is
// left to measure on, and the result says so.
func tear(items []kept, want int64) split {
	s := split{torn: true}
	var held int64
	for i, k := range items {
		if held >= want && i > 0 {
			s.train = append(s.train, items[i:]...)
			break
		}
		s.eval = append(s.eval, k)
		held += k.cost
	}
	return s
}

// rows packs both sides.
func (s split) rows(c *collected) (train, eval packfile.Rows) {
	return c.pack(s.train, c.o.MaxTrainRows), c.heldBy().pack(s.eval, c.o.EvalRows)
}

// heldBy is what the held-out examples were read by.
func (c *collected) heldBy() *collected {
	if c.held != nil {
		return c.held
	}
	return c
}

func (c *collected) pack(items []kept, maxRows int) packfile.Rows {
	if c.format == "text" {
		return c.streamOf(items, maxRows)
	}
	return c.packAll(items, maxRows)
}

func (c *collected) packAll(items []kept, maxRows int) packfile.Rows {
	b := rowBuilder{length: c.o.SeqLength, max: maxRows, pad: c.o.Pad}
	for i := range items {
		rest := items[i].tok
		items[i].tok = encoded{} // the rows hold them from here on
		for len(rest.ids) > 0 {
			n := min(len(rest.ids), c.o.SeqLength)
			b.add(rest.cut(n))
			rest = encoded{rest.ids[n:], rest.loss[n:]}
		}
	}
	return b.build(c.padID())
}

// padID is the token that fills rows; its label carries no loss and nothing attends to it.
func (c *collected) padID() int32 { return max(c.encoder.eos, 0) }

// streamOf joins neighbouring blocks, tokenises them and cuts the whole into rows.
func (c *collected) streamOf(items []kept, maxRows int) packfile.Rows {
	items = slices.Clone(items)
	slices.SortFunc(items, func(a, b kept) int { return cmp.Compare(a.seq, b.seq) })
	var all encoded
	for start := 0; start < len(items); {
		end := start + 1
		for end < len(items) && items[end].seq == items[end-1].seq+1 {
			end++
		}
		c.appendStretch(&all, items[start:end])
		start = end
	}
	return streamRows(all, c.o.SeqLength, maxRows)
}

// appendStretch adds text that lies together in the file. Its first token is not
// predicted, for what came before it lies elsewhere.
func (c *collected) appendStretch(all *encoded, items []kept) {
	var b strings.Builder
	for _, k := range items {
		b.WriteString(k.text())
	}
	ids := c.encoder.tok.Encode(b.String(), true)
	at := len(all.ids)
	all.ids = append(all.ids, ids...)
	all.loss = append(all.loss, allTrue(len(ids))...)
	if len(ids) > 0 {
		all.loss[at] = false
	}
}
