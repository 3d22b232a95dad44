package dataset

import (
	"slices"

	"ftadvise/calibrate/dataset/tokenizer"
)

// encoded is an example in tokens.
type encoded struct {
	ids  []int32
	loss []bool // of each token, whether its prediction carries loss
}

// encoder turns examples into tokens.
type encoder struct {
	tok *tokenizer.Tokenizer
	eos int32 // -1: none
}

func newEncoder(tok *tokenizer.Tokenizer) encoder {
	e := encoder{tok: tok, eos: -1}
	if id, ok := tok.EOS(); ok {
		e.eos = id
	}
	return e
}

// encode tokenises the whole text once, as inference would see it. Where a part
// ends is found by tokenising up to there: a token that reaches across belongs to
// the later part.
func (e encoder) encode(x example) encoded {
	text := x.text()
	out := encoded{ids: slices.Clone(e.tok.Encode(text, x.special))} // without the room that it grew in
	out.loss = make([]bool, len(out.ids))
	at, done := 0, 0
	for i, p := range x.parts {
		at += len(p.text)
		end := len(out.ids)
		if i < len(x.parts)-1 {
			end = max(done, e.common(text[:at], x.special, out.ids))
		}
		for j := done; j < end; j++ {
			out.loss[j] = p.loss
		}
		done = end
	}
	if x.end && e.eos >= 0 && len(x.parts) > 0 && (len(out.ids) == 0 || out.ids[len(out.ids)-1] != e.eos) {
		out.ids = append(out.ids, e.eos)
		out.loss = append(out.loss, x.parts[len(x.parts)-1].loss)
	}
	if len(out.loss) > 0 {
		out.loss[0] = false // nothing comes before it
	}
	return out
}

// common counts the tokens that the text's beginning shares with the whole.
func (e encoder) common(head string, special bool, ids []int32) int {
	n := 0
	for _, id := range e.tok.Encode(head, special) {
		if n == len(ids) || ids[n] != id {
			break
		}
		n++
	}
	return n
}

func (t encoded) labelled() int64 {
	var n int64
	for _, loss := range t.loss {
		if loss {
			n++
		}
	}
	return n
}

// cut keeps the first n tokens.
func (t encoded) cut(n int) encoded {
	if len(t.ids) <= n {
		return t
	}
	return encoded{t.ids[:n], t.loss[:n]}
}
