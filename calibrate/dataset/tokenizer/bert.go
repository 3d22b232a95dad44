package tokenizer

import (
	"encoding/json"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// bertNormalizer is the cleaning that BERT's vocabulary was made with.
type bertNormalizer struct {
	Clean     bool  `json:"clean_text"`
	Chinese   bool  `json:"handle_chinese_chars"`
	Accents   *bool `json:"strip_accents"` // nil: as Lowercase
	Lowercase bool  `json:"lowercase"`
}

func parseBertNormalizer(where string, raw json.RawMessage) (normalizer, error) {
	var n bertNormalizer
	return n, fields(where, raw, &n)
}

func (n bertNormalizer) normalize(s string) string {
	if n.Clean {
		s = strings.Map(cleanRune, s)
	}
	if n.Chinese {
		s = spaceIdeographs(s)
	}
	if n.Accents == nil && n.Lowercase || n.Accents != nil && *n.Accents {
		s = dropRunes(norm.NFD.String(s), unicode.Mn)
	}
	if n.Lowercase {
		s = lowercase(s)
	}
	return s
}

func cleanRune(r rune) rune {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return ' '
	case r == 0xFFFD || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
		return -1
	case unicode.IsSpace(r):
		return ' '
	}
	return r
}

// spaceIdeographs puts a space on both sides of each CJK ideograph.
func spaceIdeographs(s string) string {
	var b strings.Builder
	for _, r := range s {
		if isIdeograph(r) {
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// isIdeograph is BERT's list of blocks; Hangul, Hiragana and Katakana are not in it.
func isIdeograph(r rune) bool {
	return r >= 0x4E00 && r <= 0x9FFF || r >= 0x3400 && r <= 0x4DBF || r >= 0x20000 && r <= 0x2A6DF ||
		r >= 0x2A700 && r <= 0x2B73F || r >= 0x2B740 && r <= 0x2B81F || r >= 0x2B920 && r <= 0x2CEAF ||
		r >= 0xF900 && r <= 0xFAFF || r >= 0x2F800 && r <= 0x2FA1F
}
