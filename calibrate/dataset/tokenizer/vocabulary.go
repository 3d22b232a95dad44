package tokenizer

import (
	"encoding/json"
	"fmt"
)

// vocabulary maps tokens to ids and back.
type vocabulary struct {
	ids    map[string]int32
	tokens []string // by id; holes are empty
	holes  map[int32]bool
}

func newVocabulary(ids map[string]int32) (vocabulary, error) {
	if len(ids) == 0 {
		return vocabulary{}, refuse("model.vocab", "the vocabulary is empty")
	}
	largest := int32(-1)
	for token, id := range ids {
		if id < 0 || id >= maxVocab {
			return vocabulary{}, refuse("model.vocab", "id %d of %q is out of range", id, token)
		}
		largest = max(largest, id)
	}
	v := vocabulary{ids: ids, tokens: make([]string, largest+1), holes: map[int32]bool{}}
	seen := make([]bool, largest+1)
	for token, id := range ids {
		if seen[id] {
			return vocabulary{}, refuse("model.vocab", "%q and %q share the id %d", min(token, v.tokens[id]), max(token, v.tokens[id]), id)
		}
		seen[id], v.tokens[id] = true, token
	}
	for id, ok := range seen {
		if !ok {
			v.holes[int32(id)] = true
		}
	}
	return v, nil
}

func (v vocabulary) lookup(token string) (int32, bool) {
	id, ok := v.ids[token]
	return id, ok
}

func (v vocabulary) token(id int32) (string, bool) {
	if id < 0 || int(id) >= len(v.tokens) || v.holes[id] {
		return "", false
	}
	return v.tokens[id], true
}

func (v vocabulary) size() int { return len(v.tokens) }

// byteTokens finds the tokens <0x00> to <0xFF>; a missing one is -1.
func (v vocabulary) byteTokens() *[256]int32 {
	var out [256]int32
	for b := range 256 {
		out[b] = -1
		if id, ok := v.ids[fmt.Sprintf("<0x%02X>", b)]; ok {
			out[b] = id
		}
	}
	return &out
}

// parseModel reads the part that gives ids. Files older than the field "type" are
// told apart by what they hold.
func parseModel(raw json.RawMessage) (model, error) {
	var head struct {
		Type   string          `json:"type"`
		Merges json.RawMessage `json:"merges"`
		Max    *int            `json:"max_input_chars_per_word"`
	}
	if err := fields("model", raw, &head); err != nil {
		return nil, err
	}
	switch {
	case head.Type == "BPE" || head.Type == "" && head.Merges != nil:
		return parseBPE(raw)
	case head.Type == "WordPiece" || head.Type == "" && head.Max != nil:
		return parseWordPiece(raw)
	case head.Type == "Unigram":
		return parseUnigram(raw)
	case head.Type == "WordLevel":
		return parseWordLevel(raw)
	}
	return nil, unknownPart("model.type", head.Type)
}
