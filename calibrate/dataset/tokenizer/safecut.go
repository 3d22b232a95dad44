package tokenizer

import "unicode/utf8"

// safeCut splits a word between two characters that stand side by side in no token
// of the vocabulary. No merge can cross such a place, so the ids are those of the
// whole; and short words can be remembered. Llama 2 and Mistral prescribe no splitting
// at all: without this, a book would be one word.
type safeCut struct {
	ascii [utf8.RuneSelf][utf8.RuneSelf]bool // pairs that occur
	pairs map[[2]rune]struct{}
}

// newSafeCut returns nil for a model whose words depend on more than their merges.
func newSafeCut(m model) *safeCut {
	b, ok := m.(*bpe)
	if !ok || b.ignoreMerges || b.prefix != "" || b.suffix != "" || !b.spellsAll() {
		return nil
	}
	c := &safeCut{pairs: map[[2]rune]struct{}{}}
	for token := range b.vocab.ids {
		last := rune(-1)
		for _, r := range token {
			if last >= 0 {
				c.see(last, r)
			}
			last = r
		}
	}
	return c
}

// spellsAll reports that unknown characters do not run together, as fuse_unk would
// have it, and that neither they nor byte tokens take part in merges.
func (b *bpe) spellsAll() bool {
	if b.bytes == nil {
		return !b.fuseUnk && b.unk < 0
	}
	special := map[int32]bool{b.unk: true}
	for _, id := range b.bytes {
		if id < 0 {
			return false
		}
		special[id] = true
	}
	for key := range b.merges {
		if special[int32(key>>32)] || special[int32(uint32(key))] {
			return false
		}
	}
	return true
}

func (c *safeCut) see(a, b rune) {
	if a < utf8.RuneSelf && b < utf8.RuneSelf {
		c.ascii[a][b] = true
		return
	}
	c.pairs[[2]rune{a, b}] = struct{}{}
}

func (c *safeCut) joined(a, b rune) bool {
	if a < utf8.RuneSelf && b < utf8.RuneSelf {
		return c.ascii[a][b]
	}
	_, ok := c.pairs[[2]rune{a, b}]
	return ok
}

func (c *safeCut) split(p piece, yield func(piece)) {
	start, last := 0, rune(-1)
	for i, r := range p.text {
		if i > start && !c.joined(last, r) {
			yield(p.part(start, i))
			start = i
		}
		last = r
	}
	yield(p.part(start, len(p.text)))
}

// withSafeCut adds the splitting where the prescribed one leaves long words.
func withSafeCut(p preTokenizer, m model) preTokenizer {
	if step, ok := p.(metaspace); p != nil && (!ok || step.words) {
		return p
	}
	cut := newSafeCut(m)
	switch {
	case cut == nil:
		return p
	case p == nil:
		return cut
	}
	return preTokenizers{p, cut}
}
