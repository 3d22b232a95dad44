package tokenizer

import "strings"

// spaceMark stands for a space in the vocabularies of sentencepiece.
const spaceMark = "▁"

// safeCut splits before spaceMark, for a model whose file prescribes no splitting
// at all (Llama 2, Mistral). Where no token has the mark after another character,
// no merge can cross such a place, so the ids are those of the whole text; and
// short words can be remembered. It returns nil where that does not hold.
func safeCut(m model) preTokenizer {
	b, ok := m.(*bpe)
	if !ok || b.ignoreMerges || b.prefix != "" || b.suffix != "" {
		return nil
	}
	if _, ok := b.vocab.ids[spaceMark]; !ok {
		return nil
	}
	for token := range b.vocab.ids {
		if strings.Contains(strings.TrimLeft(token, spaceMark), spaceMark) {
			return nil
		}
	}
	return beforeMark{}
}

type beforeMark struct{}

func (beforeMark) split(p piece, yield func(piece)) {
	text, start := p.text, 0
	for start < len(text) {
		word := start
		for strings.HasPrefix(text[word:], spaceMark) {
			word += len(spaceMark)
		}
		end := strings.Index(text[word:], spaceMark)
		if end < 0 {
			yield(p.part(start, len(text)))
			return
		}
		if end += word; end > start {
			yield(p.part(start, end))
		}
		start = end
	}
}
