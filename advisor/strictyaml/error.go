package strictyaml

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is one fault in a file, with its place.
type Error struct {
	File      string
	Line, Col int // from 1; 0 where the place is not known
	What      string
	Excerpt   string // the line and a caret, or ""
	Fix       string
}

// Error prints file:line:col, the fault, and on two more lines the place.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Where())
	b.WriteString(": ")
	b.WriteString(e.What)
	if e.Excerpt != "" {
		b.WriteString("\n")
		b.WriteString(e.Excerpt)
	}
	return b.String()
}

// Where is the place as file:line:col.
func (e *Error) Where() string {
	if e.Line == 0 {
		return e.File
	}
	if e.Col == 0 {
		return fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	return fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Col)
}

// Hint says what to do.
func (e *Error) Hint() string { return e.Fix }

// At makes an error at a place in data and cuts the excerpt out of it.
func At(file string, data []byte, line, col int, what, fix string) *Error {
	return &Error{File: file, Line: line, Col: col, What: what, Fix: fix, Excerpt: excerpt(data, line, col)}
}

// maxExcerpt is the longest part of a line that an error shows, in bytes.
const maxExcerpt = 160

func excerpt(data []byte, line, col int) string {
	text, ok := lineOf(data, line)
	if !ok || col < 1 || col > len(text)+1 || len(text) > maxExcerpt {
		return ""
	}
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return '\t'
		}
		return ' '
	}, text[:col-1])
	return " | " + printable(text) + "\n | " + pad + "^"
}

// printable keeps control characters of a file off the terminal, width unchanged.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || (r >= ' ' && r != 0x7f && r != utf8.RuneError && (r < 0x80 || r > 0x9f) && (r < 0x202a || r > 0x202e)) {
			return r
		}
		return '?'
	}, s)
}

func lineOf(data []byte, line int) (string, bool) {
	lines := strings.Split(string(data), "\n")
	if line < 1 || line > len(lines) {
		return "", false
	}
	return strings.TrimRight(lines[line-1], "\r"), true
}
