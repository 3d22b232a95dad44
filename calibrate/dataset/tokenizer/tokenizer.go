package tokenizer

import (
	"math"
	"strings"
	"unicode/utf8"
)

// model turns one word into ids.
type model interface {
	// tokenize appends the ids of word to ids.
	tokenize(ids []int32, word string) []int32
	lookup(token string) (int32, bool)
	token(id int32) (string, bool)
	size() int
}

// Tokenizer encodes and decodes; it is safe for concurrent use.
type Tokenizer struct {
	normalizer normalizer
	pre        preTokenizer
	model      model
	added      *addedTokens
	frame      frame
	decoder    decoder

	// byteLevel: words reach the model as raw bytes, and are written in the
	// byte-level alphabet only when the cache does not know them.
	byteLevel bool
	caches    chan *cache
	patterns  []*pattern // of regexp2, for Err

	bos, eos int32
	// Dir is where the tokenizer was loaded from; empty after Parse.
	Dir string
	// ChatTemplate is the model's Jinja template; empty if it has none.
	ChatTemplate string
	tokens       specialTokens
}

// compile moves work from every word to once a tokenizer.
func (t *Tokenizer) compile() {
	t.pre, t.byteLevel = deferByteLevel(t.pre)
	if !t.byteLevel {
		t.pre = withSafeCut(t.pre, t.model)
	}
	t.patterns = patternsOf(t.pre)
	t.caches = make(chan *cache, 16)
}

// Encode returns the ids of text. With special, the post-processor adds what the
// model expects around a text, such as its begin token. Bytes that are not UTF-8
// count as U+FFFD.
func (t *Tokenizer) Encode(text string, special bool) []int32 {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	e := encoding{t: t, cache: t.borrow(), ids: make([]int32, 0, 8+len(text)/3)}
	t.added.raw.cut(text, e.addID, e.unnormalized)
	t.giveBack(e.cache)
	if special {
		return t.frame.around(e.ids)
	}
	return e.ids
}

// encoding is one call of Encode under way.
type encoding struct {
	t     *Tokenizer
	cache *cache
	ids   []int32
}

func (e *encoding) addID(id int32) { e.ids = append(e.ids, id) }

func (e *encoding) unnormalized(p piece) {
	if e.t.normalizer != nil {
		p.text = e.t.normalizer.normalize(p.text)
	}
	e.t.added.normalized.cutPiece(p, e.addID, e.normalized)
}

func (e *encoding) normalized(p piece) {
	if e.t.pre == nil {
		e.word(p)
		return
	}
	e.t.pre.split(p, e.word)
}

func (e *encoding) word(p piece) {
	if p.text == "" {
		return
	}
	if ids, ok := e.cache.get(p.text); ok {
		e.ids = append(e.ids, ids...)
		return
	}
	start := len(e.ids)
	word := p.text
	if e.t.byteLevel {
		word = toByteLevel(word)
	}
	e.ids = e.t.model.tokenize(e.ids, word)
	e.cache.put(p.text, e.ids[start:])
}

func (t *Tokenizer) borrow() *cache {
	select {
	case c := <-t.caches:
		return c
	default:
		return newCache()
	}
}

func (t *Tokenizer) giveBack(c *cache) {
	select {
	case t.caches <- c:
	default:
	}
}

// Err tells of a split pattern that had to be given up on some text, since the
// time it needs grows without bound; ids encoded after that are not to be used.
func (t *Tokenizer) Err() error {
	for _, p := range t.patterns {
		if err := p.failure(); err != nil {
			return err
		}
	}
	return nil
}

// Decode returns the text of ids, special tokens included. An id that the
// vocabulary lacks is skipped.
func (t *Tokenizer) Decode(ids []int32) string {
	tokens := make([]string, 0, len(ids))
	for _, id := range ids {
		if token, ok := t.Token(id); ok {
			tokens = append(tokens, token)
		}
	}
	if t.decoder == nil {
		return strings.Join(tokens, " ")
	}
	return strings.Join(t.decoder.decode(tokens), "")
}

// DecodePlain is Decode without the special tokens.
func (t *Tokenizer) DecodePlain(ids []int32) string {
	plain := make([]int32, 0, len(ids))
	for _, id := range ids {
		if !t.added.special(id) {
			plain = append(plain, id)
		}
	}
	return t.Decode(plain)
}

// VocabSize is one more than the largest id, so that an embedding of that many
// rows has one for each token.
func (t *Tokenizer) VocabSize() int {
	return max(t.model.size(), int(t.added.largest)+1)
}

// Token returns the token of an id as the vocabulary spells it.
func (t *Tokenizer) Token(id int32) (string, bool) {
	if token, ok := t.added.token(id); ok {
		return token, true
	}
	return t.model.token(id)
}

// ID returns the id of a token as the vocabulary spells it.
func (t *Tokenizer) ID(token string) (int32, bool) {
	if id, ok := t.added.ids[token]; ok {
		return id, true
	}
	return t.model.lookup(token)
}

// BOS returns the begin token's id, and false if the model has none.
func (t *Tokenizer) BOS() (int32, bool) { return t.bos, t.bos >= 0 }

// EOS returns the end token's id, and false if the model has none.
func (t *Tokenizer) EOS() (int32, bool) { return t.eos, t.eos >= 0 }

// checkFrame refuses a post-processor whose ids no vocabulary has.
func (t *Tokenizer) checkFrame() error {
	for _, id := range append(append([]int32(nil), t.frame.before...), t.frame.after...) {
		if _, ok := t.Token(id); !ok || id < 0 || id == math.MaxInt32 {
			return refuse("post_processor", "id %d is not in the vocabulary", id)
		}
	}
	return nil
}
