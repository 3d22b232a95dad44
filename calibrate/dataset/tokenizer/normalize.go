package tokenizer

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// normalizer rewrites text before it is split.
type normalizer interface{ normalize(string) string }

type normalizerFile struct {
	Type        string            `json:"type"`
	Normalizers []json.RawMessage `json:"normalizers"`
	Prepend     string            `json:"prepend"`
	Pattern     json.RawMessage   `json:"pattern"`
	Content     string            `json:"content"`
	StripLeft   bool              `json:"strip_left"`
	StripRight  bool              `json:"strip_right"`
	Charsmap    []byte            `json:"precompiled_charsmap"`
}

// parseNormalizer returns nil if there is none.
func parseNormalizer(where string, raw json.RawMessage) (normalizer, error) {
	if absent(raw) {
		return nil, nil
	}
	var f normalizerFile
	if err := fields(where, raw, &f); err != nil {
		return nil, err
	}
	switch f.Type {
	case "Sequence":
		return parseNormalizers(where, f.Normalizers)
	case "NFC", "NFD", "NFKC", "NFKD":
		return form{unicodeForm(f.Type)}, nil
	case "Prepend":
		return prepend(f.Prepend), nil
	case "Replace":
		return parseReplace(where, f.Pattern, f.Content)
	case "Lowercase":
		return rewrite(lowercase), nil
	case "Strip":
		return strip{f.StripLeft, f.StripRight}, nil
	case "StripAccents":
		return rewrite(func(s string) string { return dropRunes(s, unicode.M) }), nil
	case "ByteLevel":
		return rewrite(toByteLevel), nil
	case "Nmt":
		return rewrite(nmt), nil
	case "BertNormalizer":
		return parseBertNormalizer(where, raw)
	case "Precompiled":
		return parseCharsmap(where, f.Charsmap)
	}
	return nil, unknownPart(where, f.Type)
}

type normalizers []normalizer

func parseNormalizers(where string, list []json.RawMessage) (normalizer, error) {
	var out normalizers
	for i, raw := range list {
		n, err := parseNormalizer(fmt.Sprintf("%s[%d]", where, i), raw)
		if err != nil {
			return nil, err
		}
		if n != nil {
			out = append(out, n)
		}
	}
	return out, nil
}

func (list normalizers) normalize(s string) string {
	for _, n := range list {
		s = n.normalize(s)
	}
	return s
}

// rewrite is a normalizer without settings.
type rewrite func(string) string

func (f rewrite) normalize(s string) string { return f(s) }

func unicodeForm(name string) norm.Form {
	return map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}[name]
}

type form struct{ norm.Form }

func (f form) normalize(s string) string { return f.Form.String(s) }

type prepend string

func (p prepend) normalize(s string) string {
	if s == "" {
		return s
	}
	return string(p) + s
}

type strip struct{ left, right bool }

func (n strip) normalize(s string) string {
	if n.left {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
	}
	if n.right {
		s = strings.TrimRightFunc(s, unicode.IsSpace)
	}
	return s
}

// textPattern is a pattern as files write it: a plain string or a regular expression.
type textPattern struct {
	String *string `json:"String"`
	Regex  *string `json:"Regex"`
}

type replace struct {
	old, with string
	pattern   *pattern
	linear    *regexp.Regexp // in the place of pattern, where that can be
}

func parseReplace(where string, raw json.RawMessage, content string) (normalizer, error) {
	var p textPattern
	if err := fields(where+".pattern", raw, &p); err != nil {
		return nil, err
	}
	switch {
	case p.String != nil:
		return replace{old: *p.String, with: content}, nil
	case p.Regex != nil && linear(*p.Regex) != nil:
		return replace{linear: linear(*p.Regex), with: content}, nil
	case p.Regex != nil:
		re, err := newPattern(where+".pattern", *p.Regex)
		return replace{pattern: re, with: content}, err
	}
	return nil, refuse(where+".pattern", "neither String nor Regex")
}

func (r replace) normalize(s string) string {
	if r.linear != nil {
		return r.linear.ReplaceAllLiteralString(s, r.with)
	}
	if r.pattern != nil {
		return r.pattern.replace(s, r.with)
	}
	if r.old == "" {
		return s
	}
	return strings.ReplaceAll(s, r.old, r.with)
}

// lowercase maps each rune by itself; U+0130 is the one whose lower case has two runes.
func lowercase(s string) string {
	if strings.ContainsRune(s, 'İ') {
		s = strings.ReplaceAll(s, "İ", "i\u0307")
	}
	return strings.Map(unicode.ToLower, s)
}

func dropRunes(s string, table *unicode.RangeTable) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(table, r) {
			return -1
		}
		return r
	}, s)
}

// nmt drops control characters and turns odd spaces into plain ones, by the list
// of sentencepiece's nmt rules.
func nmt(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 0x01 && r <= 0x08, r == 0x0B, r >= 0x0E && r <= 0x1F, r == 0x7F, r == 0x8F, r == 0x9F:
			return -1
		case r == 0x09, r == 0x0A, r == 0x0C, r == 0x0D, r == 0x1680, r >= 0x200B && r <= 0x200F,
			r == 0x2028, r == 0x2029, r == 0x2581, r == 0xFEFF, r == 0xFFFD:
			return ' '
		}
		return r
	}, s)
}
