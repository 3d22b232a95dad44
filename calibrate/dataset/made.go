package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"ftadvise/calibrate/dataset/tokenizer"
)

// Made are rows of tokens that a program made, each of Options.SeqLength. Text would not
// do where a model made them: it may spell a word in other tokens than the tokenizer does.
type Made struct{ Train, Eval [][]int32 }

// PackMade is Pack for rows of tokens; Options.Path names them. The first token of a row
// is given, all others are predicted.
func PackMade(o Options, m Made, tok *tokenizer.Tokenizer, out string) (Packed, error) {
	if err := o.check(tok); err != nil {
		return Packed{}, err
	}
	o = o.withDefaults()
	c := &collected{o: o, encoder: newEncoder(tok), format: "tokens", shaper: &shaper{shape: "text"}, distinct: newDistinct()}
	train, errTrain := c.made(m.Train)
	eval, errEval := c.made(m.Eval)
	if err := errors.Join(errTrain, errEval); err != nil {
		return Packed{}, err
	}
	return c.write(split{train: train, eval: eval}, tok, out)
}

// made makes an example of each row.
func (c *collected) made(rows [][]int32) ([]kept, error) {
	digest := sha256.New()
	out := make([]kept, len(rows))
	for i, ids := range rows {
		if len(ids) != c.o.SeqLength {
			return nil, refuse(c.o.Path, fmt.Sprintf("row %d has %d tokens, not %d", i, len(ids), c.o.SeqLength), "make rows of the sequence length")
		}
		loss := allTrue(len(ids))
		loss[0] = false
		text := c.encoder.tok.Decode(ids)
		x := example{parts: []part{{text: text, loss: true}}, bytes: int64(len(text))}
		out[i] = kept{example: x, seq: c.seq, key: contentKey(text), tok: encoded{ids, loss}, cost: int64(len(ids))}
		c.distinct.add(out[i].key)
		c.records++
		c.seq++
		c.bytes += x.bytes
		c.count(out[i].cost)
		if err := binary.Write(digest, binary.LittleEndian, ids); err != nil {
			return nil, err
		}
	}
	c.digests = append(c.digests, hex.EncodeToString(digest.Sum(nil)))
	return out, nil
}
