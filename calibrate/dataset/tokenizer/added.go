package tokenizer

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedTokens are found in the text before anything else is done to it: some in
// the raw text, some (normalized) in what the normalizer makes of it.
type addedTokens struct {
	raw, normalized *matcher
	ids             map[string]int32
	byID            map[int32]addedToken
	spelled         map[int32]string // as decoding writes it: normalized, where that applies
	largest         int32
}

func newAddedTokens(list []addedToken, m model, n normalizer) (*addedTokens, error) {
	a := &addedTokens{
		raw: &matcher{}, normalized: &matcher{},
		ids: map[string]int32{}, byID: map[int32]addedToken{}, spelled: map[int32]string{}, largest: -1,
	}
	for i, tok := range list {
		if err := a.check(i, tok, m); err != nil {
			return nil, err
		}
		a.ids[tok.Content], a.byID[tok.ID] = tok.ID, tok
		a.spelled[tok.ID] = tok.Content
		a.largest = max(a.largest, tok.ID)
		if !tok.Normalized {
			a.raw.add(tok.Content, tok)
			continue
		}
		content := tok.Content
		if n != nil {
			content = n.normalize(content)
		}
		a.spelled[tok.ID] = content
		a.normalized.add(content, tok)
	}
	return a, nil
}

const maxVocab = 1 << 24

func (a *addedTokens) check(i int, tok addedToken, m model) error {
	where := fmt.Sprintf("added_tokens[%d]", i)
	if tok.Content == "" {
		return refuse(where, "the token is empty")
	}
	if tok.ID < 0 || tok.ID >= maxVocab {
		return refuse(where, "id %d of %q is out of range", tok.ID, tok.Content)
	}
	if other, ok := a.byID[tok.ID]; ok && other.Content != tok.Content {
		return refuse(where, "%q and %q share the id %d", tok.Content, other.Content, tok.ID)
	}
	if other, ok := m.token(tok.ID); ok && other != tok.Content {
		return refuse(where, "%q and %q share the id %d", tok.Content, other, tok.ID)
	}
	return nil
}

func (a *addedTokens) special(id int32) bool { return a.byID[id].Special }

func (a *addedTokens) token(id int32) (string, bool) {
	text, ok := a.spelled[id]
	return text, ok
}

// matcher finds the leftmost and there the longest of some strings: a trie of
// bytes, entered only at bytes that begin one of them.
type matcher struct {
	nodes  []node
	starts [256]bool
}

type node struct {
	next  map[byte]int32
	token *addedToken
}

func (m *matcher) add(content string, tok addedToken) {
	if content == "" {
		return
	}
	if len(m.nodes) == 0 {
		m.nodes = []node{{}}
	}
	m.starts[content[0]] = true
	at := int32(0)
	for i := range len(content) {
		at = m.child(at, content[i])
	}
	m.nodes[at].token = &tok
}

func (m *matcher) child(at int32, c byte) int32 {
	if to, ok := m.nodes[at].next[c]; ok {
		return to
	}
	if m.nodes[at].next == nil {
		m.nodes[at].next = map[byte]int32{}
	}
	m.nodes = append(m.nodes, node{})
	to := int32(len(m.nodes) - 1)
	m.nodes[at].next[c] = to
	return to
}

// find returns the first match at or after from.
func (m *matcher) find(text string, from int) (tok *addedToken, start, end int) {
	for i := from; i < len(text); i++ {
		if !m.starts[text[i]] {
			continue
		}
		if tok, end := m.longest(text, i); tok != nil {
			return tok, i, end
		}
	}
	return nil, 0, 0
}

func (m *matcher) longest(text string, i int) (*addedToken, int) {
	var found *addedToken
	at, end := int32(0), 0
	for j := i; j < len(text); j++ {
		to, ok := m.nodes[at].next[text[j]]
		if !ok {
			break
		}
		if at = to; m.nodes[at].token != nil {
			found, end = m.nodes[at].token, j+1
		}
	}
	return found, end
}

// piece is a part of the text. first says that it lies at its very beginning,
// where some tokenizers put a space.
type piece struct {
	text  string
	first bool
}

// part is the piece from start to end of p.
func (p piece) part(start, end int) piece {
	return piece{p.text[start:end], p.first && start == 0}
}

func (m *matcher) cut(text string, token func(int32), rest func(piece)) {
	m.cutPiece(piece{text, true}, token, rest)
}

// cutPiece hands each added token's id to token and what lies between to rest.
func (m *matcher) cutPiece(p piece, token func(int32), rest func(piece)) {
	text, done := p.text, 0
	for from := 0; len(m.nodes) > 0; {
		tok, start, end := m.find(text, from)
		if tok == nil {
			break
		}
		from = end
		if tok.SingleWord && (endsWithWord(text[:start]) || startsWithWord(text[end:])) {
			continue
		}
		if tok.LStrip {
			start = max(len(strings.TrimRightFunc(text[:start], unicode.IsSpace)), done)
		}
		if tok.RStrip {
			end = len(text) - len(strings.TrimLeftFunc(text[end:], unicode.IsSpace))
		}
		if done < start {
			rest(p.part(done, start))
		}
		token(tok.ID)
		done = end
	}
	if done < len(text) {
		rest(p.part(done, len(text)))
	}
}

func endsWithWord(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	return n > 0 && isWord(r)
}

func startsWithWord(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && isWord(r)
}

// isWord is the \w of Unicode regular expressions (UTS 18, annex C).
func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.Is(unicode.M, r) || unicode.Is(unicode.Nd, r) ||
		unicode.Is(unicode.Nl, r) || unicode.Is(unicode.Pc, r) || unicode.Is(unicode.Other_Alphabetic, r) ||
		unicode.Is(unicode.Join_Control, r)
}
