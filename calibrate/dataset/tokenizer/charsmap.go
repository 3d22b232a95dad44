package tokenizer

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// charsmap is sentencepiece's compiled normalizer: a double-array trie from
// character sequences to offsets into a blob of NUL-ended replacements.
type charsmap struct {
	units []uint32
	blob  string
}

func parseCharsmap(where string, data []byte) (normalizer, error) {
	if len(data) == 0 {
		return nil, nil
	}
	if len(data) < 4 {
		return nil, refuse(where, "the charsmap is cut short")
	}
	size := int(binary.LittleEndian.Uint32(data))
	if size < 0 || size > len(data)-4 || size%4 != 0 {
		return nil, refuse(where, "the charsmap's trie of %d bytes does not fit in it", size)
	}
	c := charsmap{blob: string(data[4+size:]), units: make([]uint32, size/4)}
	for i := range c.units {
		c.units[i] = binary.LittleEndian.Uint32(data[4+4*i:])
	}
	return c, nil
}

// normalize replaces whole grapheme clusters where the map knows a short one, else
// single characters.
func (c charsmap) normalize(s string) string {
	var b strings.Builder
	for state := -1; len(s) > 0; {
		var cluster string
		cluster, s, _, state = uniseg.FirstGraphemeClusterInString(s, state)
		if len(cluster) < 6 {
			if to, ok := c.lookup(cluster); ok {
				b.WriteString(to)
				continue
			}
		}
		for i, r := range cluster {
			char := cluster[i : i+utf8.RuneLen(r)]
			if to, ok := c.lookup(char); ok {
				char = to
			}
			b.WriteString(char)
		}
	}
	return b.String()
}

// lookup returns the replacement of the shortest entry that begins key.
func (c charsmap) lookup(key string) (string, bool) {
	at := uint32(0)
	unit, ok := c.unit(at)
	if !ok {
		return "", false
	}
	at ^= offsetOf(unit)
	for i := range len(key) {
		if key[i] == 0 {
			break
		}
		at ^= uint32(key[i])
		if unit, ok = c.unit(at); !ok || unit&(1<<31|0xFF) != uint32(key[i]) {
			return "", false
		}
		at ^= offsetOf(unit)
		if unit>>8&1 == 1 {
			return c.replacement(at)
		}
	}
	return "", false
}

func (c charsmap) unit(at uint32) (uint32, bool) {
	if int(at) >= len(c.units) {
		return 0, false
	}
	return c.units[at], true
}

func offsetOf(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }

func (c charsmap) replacement(at uint32) (string, bool) {
	unit, ok := c.unit(at)
	start := int(unit & (1<<31 - 1))
	if !ok || start >= len(c.blob) {
		return "", false
	}
	text, _, _ := strings.Cut(c.blob[start:], "\x00")
	return text, true
}
