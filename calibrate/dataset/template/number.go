package template

import (
	"fmt"
	"strconv"
	"strings"
)

// maxWidth bounds the widths in formats.
const maxWidth = 1000

func formatOne(flags string, code byte, v any, line int) (string, error) {
	for _, part := range strings.FieldsFunc(flags, func(r rune) bool { return r < '0' || r > '9' }) {
		if n, err := strconv.Atoi(part); err != nil || n > maxWidth {
			return "", failure(line, "a width of %s in a format", part)
		}
	}
	switch code {
	case 's':
		return fmt.Sprintf(flags+"s", str(v)), nil
	case 'r':
		return fmt.Sprintf(flags+"s", repr(v)), nil
	case 'd', 'i', 'x', 'X', 'o':
		if f, ok := asFloat(v); ok {
			if code == 'i' {
				code = 'd'
			}
			return fmt.Sprintf(flags+string(code), int64(f)), nil
		}
	case 'f', 'g', 'e':
		if f, ok := asFloat(v); ok {
			return fmt.Sprintf(flags+string(code), f), nil
		}
	}
	return "", failure(line, "%%%c of a %s", code, typeName(v))
}

func parseNumber(s string) (float64, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return f, err == nil
}
