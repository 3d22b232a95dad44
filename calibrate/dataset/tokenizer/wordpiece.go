package tokenizer

import (
	"encoding/json"
	"unicode/utf8"
)

// wordPiece takes the longest token that begins a word, then the longest that
// goes on, and so forth; a word that cannot be spelt so is unknown as a whole.
type wordPiece struct {
	vocabulary
	unk      int32
	prefix   string
	maxChars int
}

type wordFile struct {
	UnkToken string           `json:"unk_token"`
	Prefix   *string          `json:"continuing_subword_prefix"`
	MaxChars *int             `json:"max_input_chars_per_word"`
	Vocab    map[string]int32 `json:"vocab"`
}

func parseWords(raw json.RawMessage) (wordFile, vocabulary, int32, error) {
	var file wordFile
	if err := fields("model", raw, &file); err != nil {
		return file, vocabulary{}, 0, err
	}
	vocab, err := newVocabulary(file.Vocab)
	if err != nil {
		return file, vocab, 0, err
	}
	unk, ok := vocab.ids[file.UnkToken]
	if !ok {
		return file, vocab, 0, refuse("model.unk_token", "%q is not in the vocabulary", file.UnkToken)
	}
	return file, vocab, unk, nil
}

func parseWordPiece(raw json.RawMessage) (model, error) {
	file, vocab, unk, err := parseWords(raw)
	if err != nil {
		return nil, err
	}
	w := wordPiece{vocabulary: vocab, unk: unk, prefix: "##", maxChars: 100}
	if file.Prefix != nil {
		w.prefix = *file.Prefix
	}
	if file.MaxChars != nil {
		w.maxChars = *file.MaxChars
	}
	return w, nil
}

func (w wordPiece) tokenize(ids []int32, word string) []int32 {
	if utf8.RuneCountInString(word) > w.maxChars {
		return append(ids, w.unk)
	}
	start := len(ids)
	for at := 0; at < len(word); {
		id, end := w.longest(word, at)
		if end < 0 {
			return append(ids[:start], w.unk)
		}
		ids, at = append(ids, id), end
	}
	return ids
}

func (w wordPiece) longest(word string, at int) (id int32, end int) {
	prefix := ""
	if at > 0 {
		prefix = w.prefix
	}
	for end = len(word); end > at; {
		if id, ok := w.ids[prefix+word[at:end]]; ok {
			return id, end
		}
		_, n := utf8.DecodeLastRuneInString(word[at:end])
		end -= n
	}
	return 0, -1
}

// wordLevel knows whole words only.
type wordLevel struct {
	vocabulary
	unk int32
}

func parseWordLevel(raw json.RawMessage) (model, error) {
	_, vocab, unk, err := parseWords(raw)
	if err != nil {
		return nil, err
	}
	return wordLevel{vocab, unk}, nil
}

func (w wordLevel) tokenize(ids []int32, word string) []int32 {
	if id, ok := w.ids[word]; ok {
		return append(ids, id)
	}
	return append(ids, w.unk)
}
