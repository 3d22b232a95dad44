package tokenizer

import (
	"encoding/json"
	"fmt"
	"math"
	"unicode/utf8"
)

// unigram is the unigram language model (Kudo 2018, arXiv 1804.10959): of all ways
// to spell a text in pieces, the one with the largest sum of log probabilities.
type unigram struct {
	vocabulary
	scores   []float64 // by id
	unk      int32     // -1: none
	unkScore float64
	bytes    *[256]int32
	longest  int // bytes of the longest piece
}

// unknownPenalty lies below the least likely piece, so that a character without a
// piece is the last resort.
const unknownPenalty = 10

type unigramFile struct {
	UnkID        *int32       `json:"unk_id"`
	ByteFallback bool         `json:"byte_fallback"`
	Vocab        []scoredText `json:"vocab"`
}

// scoredText is ["piece", score].
type scoredText struct {
	text  string
	score float64
}

func (s *scoredText) UnmarshalJSON(data []byte) error {
	pair := []any{&s.text, &s.score}
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return refuse("model.vocab", "an entry has %d parts, not a piece and a score", len(pair))
	}
	return nil
}

func parseUnigram(raw json.RawMessage) (model, error) {
	var file unigramFile
	if err := fields("model", raw, &file); err != nil {
		return nil, err
	}
	ids := make(map[string]int32, len(file.Vocab))
	u := &unigram{unk: -1, unkScore: math.Inf(1), scores: make([]float64, len(file.Vocab))}
	for i, piece := range file.Vocab {
		if _, ok := ids[piece.text]; ok {
			return nil, refuse(fmt.Sprintf("model.vocab[%d]", i), "%q appears twice", piece.text)
		}
		ids[piece.text], u.scores[i] = int32(i), piece.score
		u.unkScore = min(u.unkScore, piece.score-unknownPenalty)
		u.longest = max(u.longest, len(piece.text))
	}
	var err error
	if u.vocabulary, err = newVocabulary(ids); err != nil {
		return nil, err
	}
	if file.ByteFallback {
		u.bytes = u.byteTokens()
	}
	if file.UnkID != nil {
		if u.unk = *file.UnkID; u.unk < 0 || int(u.unk) >= len(u.scores) {
			return nil, refuse("model.unk_id", "%d is not in the vocabulary", u.unk)
		}
	}
	return u, nil
}

// step is the best way to reach a place in the text.
type step struct {
	from  int32 // where its last piece begins; -1: not reached
	id    int32
	score float64
}

func (u *unigram) tokenize(ids []int32, word string) []int32 {
	best := u.viterbi(word)
	var pieces []string
	for end := len(word); end > 0; {
		start := int(best[end].from)
		// Neighbouring characters without a piece are one unknown stretch.
		for best[end].id == u.unk && start > 0 && best[start].id == u.unk {
			start = int(best[start].from)
		}
		pieces = append(pieces, word[start:end])
		end = start
	}
	for i := len(pieces) - 1; i >= 0; i-- {
		ids = u.appendPiece(ids, pieces[i])
	}
	return ids
}

// viterbi finds for each place the best-scored path of pieces that ends there.
func (u *unigram) viterbi(word string) []step {
	best := make([]step, len(word)+1)
	for i := range best {
		best[i].from = -1
	}
	for at := 0; at < len(word); {
		_, n := utf8.DecodeRuneInString(word[at:])
		single := false
		for end := at + 1; end <= min(len(word), at+u.longest); end++ {
			id, ok := u.ids[word[at:end]]
			if !ok {
				continue
			}
			single = single || end == at+n
			best[end].offer(at, id, best[at].score+u.scores[id])
		}
		if !single {
			best[at+n].offer(at, u.unk, best[at].score+u.unkScore)
		}
		at += n
	}
	return best
}

func (s *step) offer(from int, id int32, score float64) {
	if s.from < 0 || score > s.score {
		*s = step{int32(from), id, score}
	}
}

func (u *unigram) appendPiece(ids []int32, piece string) []int32 {
	if id, ok := u.ids[piece]; ok {
		return append(ids, id)
	}
	if out, ok := appendBytes(ids, u.bytes, piece); ok {
		return out
	}
	if u.unk < 0 {
		return ids
	}
	return append(ids, u.unk)
}
