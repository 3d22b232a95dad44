package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// The byte-level alphabet of GPT-2 writes each byte as one visible character:
// printable Latin-1 stands for itself, the other 68 bytes are numbered from
// U+0100 on. So a vocabulary of text can hold any bytes.

// The bytes that are not printable are 0 to 32, 127 to 160, and 173.
const (
	firstSpare = 0x100
	lowSpares  = 33
	highSpares = 67
)

func byteToRune(b byte) rune {
	switch {
	case b <= ' ':
		return firstSpare + rune(b)
	case b >= 0x7F && b <= 0xA0:
		return firstSpare + lowSpares + rune(b) - 0x7F
	case b == 0xAD:
		return firstSpare + highSpares
	}
	return rune(b)
}

func runeToByte(r rune) (byte, bool) {
	spare := r - firstSpare
	switch {
	case spare >= 0 && spare < lowSpares:
		return byte(spare), true
	case spare >= lowSpares && spare < highSpares:
		return byte(spare - lowSpares + 0x7F), true
	case spare == highSpares:
		return 0xAD, true
	}
	return byte(r), r >= 0 && r < firstSpare && byteToRune(byte(r)) == r
}

func toByteLevel(s string) string {
	var b strings.Builder
	b.Grow(len(s) * 2)
	for i := range len(s) {
		b.WriteRune(byteToRune(s[i]))
	}
	return b.String()
}

// fromByteLevel returns the bytes that token stands for. A token with any other
// character in it, such as an added one, stands for itself.
func fromByteLevel(token string) string {
	out := make([]byte, 0, len(token))
	for _, r := range token {
		b, ok := runeToByte(r)
		if !ok {
			return token
		}
		out = append(out, b)
	}
	return string(out)
}

// lossy replaces each broken UTF-8 sequence by one U+FFFD, a sequence being the
// longest run that could begin a character (Unicode 15, section 3.9, "maximal subpart").
func lossy(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			n = brokenPrefix(s)
			b.WriteRune(utf8.RuneError)
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// brokenPrefix is the length of the maximal subpart at the start of s.
func brokenPrefix(s string) int {
	want := 0
	low, high := byte(0x80), byte(0xBF)
	switch c := s[0]; {
	case c >= 0xC2 && c <= 0xDF:
		want = 1
	case c >= 0xE0 && c <= 0xEF:
		want = 2
		if c == 0xE0 {
			low = 0xA0
		} else if c == 0xED {
			high = 0x9F
		}
	case c >= 0xF0 && c <= 0xF4:
		want = 3
		if c == 0xF0 {
			low = 0x90
		} else if c == 0xF4 {
			high = 0x8F
		}
	}
	n := 1
	for n <= want && n < len(s) && s[n] >= low && s[n] <= high {
		n++
		low, high = 0x80, 0xBF
	}
	return n
}
