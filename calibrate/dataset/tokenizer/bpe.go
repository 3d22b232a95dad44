package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// bpe is byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909): a word starts
// as its characters, and the pair with the lowest rank is merged until none is left.
type bpe struct {
	vocab        vocabulary
	merges       map[uint64]merge
	unk          int32 // -1: characters without a token vanish
	fuseUnk      bool
	ignoreMerges bool
	prefix       string // of characters that do not begin a word
	suffix       string // of the character that ends it
	bytes        *[256]int32
}

type merge struct{ rank, id int32 }

func pair(left, right int32) uint64 { return uint64(uint32(left))<<32 | uint64(uint32(right)) }

type bpeFile struct {
	Dropout      *float64         `json:"dropout"`
	UnkToken     *string          `json:"unk_token"`
	Prefix       *string          `json:"continuing_subword_prefix"`
	Suffix       *string          `json:"end_of_word_suffix"`
	FuseUnk      bool             `json:"fuse_unk"`
	ByteFallback bool             `json:"byte_fallback"`
	IgnoreMerges bool             `json:"ignore_merges"`
	Vocab        map[string]int32 `json:"vocab"`
	Merges       []mergeText      `json:"merges"`
}

// mergeText is one merge as a file writes it: "a b" or ["a", "b"].
type mergeText [2]string

func (m *mergeText) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' {
		var list []string
		if err := json.Unmarshal(data, &list); err != nil {
			return err
		}
		if len(list) != 2 {
			return refuse("model.merges", "a merge has %d parts, not 2", len(list))
		}
		*m = mergeText{list[0], list[1]}
		return nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	left, right, ok := strings.Cut(text, " ")
	if !ok || strings.Contains(right, " ") {
		return refuse("model.merges", "%q is not two pieces with a space between", text)
	}
	*m = mergeText{left, right}
	return nil
}

func parseBPE(raw json.RawMessage) (*bpe, error) {
	var file bpeFile
	if err := fields("model", raw, &file); err != nil {
		return nil, err
	}
	if file.Dropout != nil && *file.Dropout != 0 {
		return nil, refuse("model.dropout", "BPE dropout %g makes ids random and is not supported", *file.Dropout)
	}
	vocab, err := newVocabulary(file.Vocab)
	if err != nil {
		return nil, err
	}
	b := &bpe{vocab: vocab, unk: -1, fuseUnk: file.FuseUnk, ignoreMerges: file.IgnoreMerges, prefix: deref(file.Prefix), suffix: deref(file.Suffix)}
	if file.UnkToken != nil {
		id, ok := vocab.ids[*file.UnkToken]
		if !ok {
			return nil, refuse("model.unk_token", "%q is not in the vocabulary", *file.UnkToken)
		}
		b.unk = id
	}
	if file.ByteFallback {
		b.bytes = vocab.byteTokens()
	}
	return b, b.addMerges(file.Merges)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// addMerges ranks the merges by their order; of a pair listed twice the last counts.
// A merge makes a longer piece out of two that exist, so merges cannot run in a circle.
func (b *bpe) addMerges(list []mergeText) error {
	b.merges = make(map[uint64]merge, len(list))
	for rank, m := range list {
		where := fmt.Sprintf("model.merges[%d]", rank)
		left, okLeft := b.vocab.ids[m[0]]
		right, okRight := b.vocab.ids[m[1]]
		if !okLeft || !okRight || m[0] == "" || m[1] == "" {
			return refuse(where, "merges %q and %q, of which one is not in the vocabulary", m[0], m[1])
		}
		joined := m[0] + strings.TrimPrefix(m[1], b.prefix)
		id, ok := b.vocab.ids[joined]
		if !ok {
			return refuse(where, "makes %q, which is not in the vocabulary", joined)
		}
		b.merges[pair(left, right)] = merge{int32(rank), id}
	}
	return nil
}

func (b *bpe) lookup(token string) (int32, bool) { return b.vocab.lookup(token) }
func (b *bpe) token(id int32) (string, bool)     { return b.vocab.token(id) }
func (b *bpe) size() int                         { return b.vocab.size() }

func (b *bpe) tokenize(ids []int32, word string) []int32 {
	if b.ignoreMerges {
		if id, ok := b.vocab.ids[word]; ok {
			return append(ids, id)
		}
	}
	start := len(ids)
	ids = b.characters(ids, word)
	if len(ids)-start <= fewSymbols {
		return ids[:start+b.mergeFew(ids[start:])]
	}
	return b.mergeMany(ids[:start], ids[start:])
}

// characters appends the ids of the single characters of word.
func (b *bpe) characters(ids []int32, word string) []int32 {
	unkOpen := false
	for i, r := range word {
		end := i + utf8.RuneLen(r)
		if id, ok := b.character(word, i, end); ok {
			ids, unkOpen = append(ids, id), false
			continue
		}
		if fallback, ok := appendBytes(ids, b.bytes, word[i:end]); ok {
			ids = fallback
			continue
		}
		if b.unk >= 0 && !(b.fuseUnk && unkOpen) {
			ids = append(ids, b.unk)
		}
		unkOpen = true
	}
	return ids
}

func (b *bpe) character(word string, start, end int) (int32, bool) {
	c := word[start:end]
	if b.prefix != "" && start > 0 {
		c = b.prefix + c
	}
	if b.suffix != "" && end == len(word) {
		c += b.suffix
	}
	id, ok := b.vocab.ids[c]
	return id, ok
}

// appendBytes spells c in byte tokens such as <0x0A>, if the vocabulary has them.
func appendBytes(ids []int32, bytes *[256]int32, c string) ([]int32, bool) {
	if bytes == nil {
		return ids, false
	}
	start := len(ids)
	for i := range len(c) {
		id := bytes[c[i]]
		if id < 0 {
			return ids[:start], false
		}
		ids = append(ids, id)
	}
	return ids, true
}
