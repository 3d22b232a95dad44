package main

import (
	"encoding/json"
	"sort"
	"strings"

	"github.com/dlclark/regexp2"
)

// splitPattern is GPT-2's: words with their leading space, numbers, signs, spaces.
const splitPattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

const endOfText = "<|endoftext|>"

// word is a distinct piece of the split text with its symbols.
type word struct {
	symbols []string
	count   int
}

// trainTokenizer learns byte-level BPE (Sennrich et al. 2016, over bytes as GPT-2 has
// it) and writes it as tokenizer.json. Ties go to the pair that sorts first.
func trainTokenizer(text string, vocab int) (string, error) {
	words, err := wordsOf(text)
	if err != nil {
		return "", err
	}
	pieces := append([]string{endOfText}, alphabet()...)
	var merges [][2]string
	for len(pieces) < vocab {
		pair, ok := mostFrequent(words)
		if !ok {
			break
		}
		merges = append(merges, pair)
		pieces = append(pieces, pair[0]+pair[1])
		for i := range words {
			words[i].merge(pair)
		}
	}
	return tokenizerJSON(pieces, merges)
}

func wordsOf(text string) ([]word, error) {
	pattern, err := regexp2.Compile(splitPattern, regexp2.None)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for paragraph := range strings.Lines(text) {
		m, err := pattern.FindStringMatch(paragraph)
		for ; m != nil && err == nil; m, err = pattern.FindNextMatch(m) {
			counts[m.String()]++
		}
		if err != nil {
			return nil, err
		}
	}
	byteRunes := alphabet()
	var words []word
	for piece, count := range counts {
		w := word{count: count}
		for _, b := range []byte(piece) {
			w.symbols = append(w.symbols, byteRunes[b])
		}
		words = append(words, w)
	}
	return words, nil
}

// alphabet maps each byte to a printable rune, as GPT-2 does: printable Latin-1 stands
// for itself, the rest is moved above U+0100.
func alphabet() []string {
	out := make([]string, 256)
	moved := rune(256)
	for b := range 256 {
		r := rune(b)
		if printable := r >= '!' && r <= '~' || r >= '¡' && r <= '¬' || r >= '®' && r <= 'ÿ'; !printable {
			r = moved
			moved++
		}
		out[b] = string(r)
	}
	return out
}

func mostFrequent(words []word) ([2]string, bool) {
	counts := map[[2]string]int{}
	for _, w := range words {
		for i := 1; i < len(w.symbols); i++ {
			counts[[2]string{w.symbols[i-1], w.symbols[i]}] += w.count
		}
	}
	var best [2]string
	most := 1
	for pair, n := range counts {
		if n > most || n == most && most > 1 && less(pair, best) {
			best, most = pair, n
		}
	}
	return best, most > 1
}

func less(a, b [2]string) bool {
	if a[0] != b[0] {
		return a[0] < b[0]
	}
	return a[1] < b[1]
}

func (w *word) merge(pair [2]string) {
	out := w.symbols[:0]
	for i := 0; i < len(w.symbols); i++ {
		if i+1 < len(w.symbols) && w.symbols[i] == pair[0] && w.symbols[i+1] == pair[1] {
			out = append(out, pair[0]+pair[1])
			i++
		} else {
			out = append(out, w.symbols[i])
		}
	}
	w.symbols = out
}

// tokenizerJSON writes the file that the tokenizers library reads.
func tokenizerJSON(pieces []string, merges [][2]string) (string, error) {
	vocab := map[string]int{}
	for id, piece := range pieces {
		vocab[piece] = id
	}
	text := make([]string, len(merges))
	for i, m := range merges {
		text[i] = m[0] + " " + m[1]
	}
	byteLevel := map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}
	data, err := json.MarshalIndent(map[string]any{
		"version": "1.0", "truncation": nil, "padding": nil, "normalizer": nil,
		"added_tokens": []any{map[string]any{
			"id": 0, "content": endOfText, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true,
		}},
		"pre_tokenizer": byteLevel, "post_processor": byteLevel, "decoder": byteLevel,
		"model": map[string]any{
			"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
			"fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": ordered(vocab), "merges": text,
		},
	}, "", " ")
	return string(data) + "\n", err
}

// ordered writes a vocabulary by id, so that the file reads well.
type ordered map[string]int

// MarshalJSON implements json.Marshaler.
func (o ordered) MarshalJSON() ([]byte, error) {
	pieces := make([]string, 0, len(o))
	for piece := range o {
		pieces = append(pieces, piece)
	}
	sort.Slice(pieces, func(i, j int) bool { return o[pieces[i]] < o[pieces[j]] })
	var b strings.Builder
	b.WriteByte('{')
	for i, piece := range pieces {
		key, err := json.Marshal(piece)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(o[piece])
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}
