package tokenizer

import "strings"

// cache remembers the ids of short words. Natural text repeats its words so much
// that nine lookups in ten hit; without it, merging would cost all the time. The
// ids lie in one slice, so that the collector sees two objects and not thousands.
type cache struct {
	spans map[string]span
	ids   []int32
}

type span struct{ start, end uint32 }

const (
	maxCachedWord = 48      // bytes; longer words hardly repeat
	maxCachedIDs  = 1 << 18 // then the cache starts afresh
)

func newCache() *cache { return &cache{spans: make(map[string]span)} }

func (c *cache) get(word string) ([]int32, bool) {
	if len(word) > maxCachedWord {
		return nil, false
	}
	s, ok := c.spans[word]
	return c.ids[s.start:s.end], ok
}

func (c *cache) put(word string, ids []int32) {
	if len(word) > maxCachedWord {
		return
	}
	if len(c.ids)+len(ids) > maxCachedIDs {
		clear(c.spans)
		c.ids = c.ids[:0]
	}
	start := uint32(len(c.ids))
	c.ids = append(c.ids, ids...)
	c.spans[strings.Clone(word)] = span{start, uint32(len(c.ids))}
}
