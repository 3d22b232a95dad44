package template

import (
	"strconv"
	"strings"
)

// unescape decodes the escapes of a string literal as Python does; an unknown one
// stays as it is.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			i++
			continue
		}
		out, n := escape(s[i+1:])
		b.WriteString(out)
		i += 1 + n
	}
	return b.String()
}

// The letters after a backslash and what they stand for; a line end stands for nothing.
const (
	escapeLetters = `\'"abfnrtv`
	escapeMeaning = "\\'\"\a\b\f\n\r\t\v"
)

// escape decodes what follows a backslash and returns how long it is.
func escape(s string) (string, int) {
	if s[0] == '\n' {
		return "", 1
	}
	if i := strings.IndexByte(escapeLetters, s[0]); i >= 0 {
		return escapeMeaning[i : i+1], 1
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[0]]
	if digits > 0 && len(s) > digits {
		if n, err := strconv.ParseUint(s[1:1+digits], 16, 32); err == nil {
			return string(rune(n)), 1 + digits
		}
	}
	n := 0
	for n < 3 && n < len(s) && s[n] >= '0' && s[n] <= '7' {
		n++
	}
	if n > 0 {
		v, _ := strconv.ParseUint(s[:n], 8, 32)
		return string(rune(v)), n
	}
	return `\` + s[:1], 1
}
