// Package inert makes other people's text harmless before anything shows it: names
// of models, datasets and runs come from files that nobody here wrote.
//
//  1. Any string comes in.
//  2. Valid UTF-8 without control or direction-changing characters goes out, cut to
//     a length.
//
// Escaping for HTML or Markdown is the writer's affair; this package removes what no
// escaping covers: bytes that steer a terminal or turn the reading order around.
package inert

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns s as one line of at most limit bytes, an ellipsis included. Line
// breaks and tabs become spaces; other control characters, direction marks and bad
// bytes become U+FFFD, so that a reader sees that something was there.
func Line(s string, limit int) string {
	return cut(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r == '\r' {
			return ' '
		}
		return harmless(r)
	}, head(s, limit)), limit)
}

// Text is Line for text of several lines: line breaks and tabs stay.
func Text(s string, limit int) string {
	return cut(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return harmless(r)
	}, head(strings.ReplaceAll(s, "\r\n", "\n"), limit)), limit)
}

// head bounds the work on a text of many megabytes before it is mapped.
func head(s string, limit int) string {
	if len(s) <= limit+utf8.UTFMax {
		return s
	}
	return s[:limit+utf8.UTFMax]
}

func harmless(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) ||
		r == '\u2028' || r == '\u2029' || r == '\uFEFF' {
		return unicode.ReplacementChar
	}
	return r
}

func cut(s string, limit int) string {
	const ellipsis = "…"
	if len(s) <= limit {
		return s
	}
	end := max(0, limit-len(ellipsis))
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}
