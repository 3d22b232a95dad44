package dataset

import (
	"cmp"
	"container/heap"
	"slices"
	"unicode"
)

// kept is an example in the pool. Its hash decides where it goes: it is a function
// of the seed and of the example's group, so equal examples go together and the
// order of the file has no say.
type kept struct {
	example
	hash uint64
	seq  int64 // number in the data
	key  uint64
	tok  encoded
	cost int64 // tokens of the rows it needs
}

// pool keeps the examples with the lowest hashes, as many as the budget of tokens
// holds: a uniform sample of the data that needs one pass and bounded memory.
type pool struct {
	items  []kept // a heap, the highest hash on top
	budget int64  // tokens
	cost   int64
	left   bool // some were left out
}

func (p *pool) Len() int           { return len(p.items) }
func (p *pool) Less(i, j int) bool { return compareKept(p.items[i], p.items[j]) > 0 }
func (p *pool) Swap(i, j int)      { p.items[i], p.items[j] = p.items[j], p.items[i] }
func (p *pool) Push(x any)         { p.items = append(p.items, x.(kept)) }
func (p *pool) Pop() any {
	last := p.items[len(p.items)-1]
	p.items = p.items[:len(p.items)-1]
	return last
}

func compareKept(a, b kept) int {
	return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.seq, b.seq))
}

// wants reports whether an example of that hash would be kept, so that others need
// not be tokenised.
func (p *pool) wants(k kept) bool {
	return p.cost < p.budget || compareKept(k, p.items[0]) < 0
}

func (p *pool) add(k kept) {
	heap.Push(p, k)
	p.cost += k.cost
	for len(p.items) > 1 && p.cost-p.items[0].cost >= p.budget {
		p.cost -= p.items[0].cost
		heap.Pop(p)
		p.left = true
	}
}

func (p *pool) sorted() []kept {
	slices.SortFunc(p.items, compareKept)
	return p.items
}

// contentKey is equal for texts that differ in case and white space only: FNV-1a,
// mixed, over the words in lower case.
func contentKey(text string) uint64 {
	h := uint64(fnvOffset)
	gap := false
	for _, r := range text {
		if unicode.IsSpace(r) {
			gap = true
			continue
		}
		if gap && h != fnvOffset {
			h = (h ^ ' ') * fnvPrime
		}
		gap = false
		r = unicode.ToLower(r)
		for ; r >= 0x80; r >>= 7 {
			h = (h ^ uint64(r&0x7F|0x80)) * fnvPrime
		}
		h = (h ^ uint64(r)) * fnvPrime
	}
	return mix(h, 0)
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// mix makes a hash of a key and a seed (the finalizer of SplitMix64).
func mix(key uint64, seed int64) uint64 {
	z := key ^ uint64(seed)*0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}
