package dataset

import (
	"math"
	"strings"
)

// Near duplicates are found by MinHash (Broder 1997) over shingles of three words:
// of two texts, the share of equal minima estimates the Jaccard similarity of their
// shingles. Bands of equal minima bring candidates together without comparing all.
const (
	shingleWords = 3
	bands        = 16
	bandRows     = 4
	minima       = bands * bandRows
	nearEnough   = 0.8
	maxCompared  = 20000 // examples; beyond it the share is of a sample
)

type signature [minima]uint32

// signatureOf depends on the text's words in lower case. A text of fewer words than
// a shingle is one shingle.
func signatureOf(text string) signature {
	var s signature
	for i := range s {
		s[i] = math.MaxUint32
	}
	words := strings.Fields(strings.ToLower(text))
	for i := 0; i == 0 || i+shingleWords <= len(words); i++ {
		h := fnv(words[i:min(i+shingleWords, len(words))])
		for j := range s {
			s[j] = min(s[j], uint32(mix(h, int64(j+1))>>32))
		}
	}
	return s
}

// fnv is FNV-1a over words.
func fnv(words []string) uint64 {
	h := uint64(fnvOffset)
	for _, w := range words {
		for i := range len(w) {
			h = (h ^ uint64(w[i])) * fnvPrime
		}
		h = (h ^ ' ') * fnvPrime
	}
	return h
}

func (s *signature) similarity(t *signature) float64 {
	equal := 0
	for i := range s {
		if s[i] == t[i] {
			equal++
		}
	}
	return float64(equal) / minima
}

// index finds near duplicates of what was added before.
type index struct {
	signatures []signature
	buckets    map[bandKey][]int32
}

type bandKey struct {
	band int
	rows [bandRows]uint32
}

// bucketDepth bounds the comparisons where very many texts fall together.
const bucketDepth = 8

func newIndex() *index { return &index{buckets: map[bandKey][]int32{}} }

func (s *signature) band(b int) bandKey {
	return bandKey{b, [bandRows]uint32(s[b*bandRows : (b+1)*bandRows])}
}

func (x *index) add(s signature) {
	n := int32(len(x.signatures))
	x.signatures = append(x.signatures, s)
	for b := range bands {
		key := s.band(b)
		if len(x.buckets[key]) < bucketDepth {
			x.buckets[key] = append(x.buckets[key], n)
		}
	}
}

func (x *index) near(s signature) bool {
	for b := range bands {
		for _, n := range x.buckets[s.band(b)] {
			if x.signatures[n].similarity(&s) >= nearEnough {
				return true
			}
		}
	}
	return false
}

// nearDuplicates returns the share of examples that resemble an earlier one of
// another wording, and the share of held-out ones that resemble or equal a
// training one.
func nearDuplicates(s split) (near, leak float64) {
	train, eval := s.train[:min(len(s.train), maxCompared)], s.eval[:min(len(s.eval), maxCompared)]
	all := newIndex()
	exact := map[uint64]bool{}
	count := 0
	for _, k := range train {
		count += all.meet(k, exact)
	}
	leaked := 0
	for _, k := range eval {
		if exact[k.key] || all.near(signatureOf(k.text())) {
			leaked++
		}
	}
	for _, k := range eval {
		count += all.meet(k, exact)
	}
	return float64(count) / float64(len(train)+len(eval)), float64(leaked) / float64(len(eval))
}

// meet adds an example, and returns 1 if one of another wording resembled it.
func (x *index) meet(k kept, exact map[uint64]bool) int {
	if exact[k.key] {
		return 0
	}
	exact[k.key] = true
	s := signatureOf(k.text())
	near := x.near(s)
	x.add(s)
	if near {
		return 1
	}
	return 0
}
