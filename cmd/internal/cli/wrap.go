package cli

import (
	"strings"
	"unicode/utf8"
)

// widestProse is the longest line of prose, however wide the terminal: longer ones are
// hard to read.
const widestProse = 100

// proseWidth is where prose on stdout is broken; 0 where stdout is no terminal, since
// programs and files want a paragraph on a line.
func (a *app) proseWidth() int {
	width, _ := a.terminalSize(a.out)
	return min(width, widestProse)
}

// wrap breaks a text between words so that no line is longer than width, with the first
// line behind first and the others behind rest. A longer word has a line of its own.
func wrap(text, first, rest string, width int) string {
	if width <= 0 {
		return first + text
	}
	var b strings.Builder
	column := utf8.RuneCountInString(first)
	b.WriteString(first)
	begun := false
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case !begun:
		case column+1+n > width:
			b.WriteString("\n" + rest)
			column = utf8.RuneCountInString(rest)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
		begun = true
	}
	return b.String()
}

// within turns a table that is wider than a terminal on its side, where that fits: a row
// becomes a column. 0 stands for no terminal.
func (t table) within(width int) table {
	if width <= 0 || t.width() <= width || len(t.head) == 0 {
		return t
	}
	turned := table{}
	for i, name := range t.head {
		row := []string{strings.ToUpper(name)}
		for _, r := range t.rows {
			row = append(row, r[i])
		}
		turned.add(row...)
	}
	if turned.width() > width {
		return t
	}
	return turned
}

// width is how wide the aligned table is.
func (t table) width() int {
	var widest []int
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			if i == len(widest) {
				widest = append(widest, 0)
			}
			widest[i] = max(widest[i], utf8.RuneCountInString(printable(cell)))
		}
	}
	total := 2 * max(0, len(widest)-1)
	for _, w := range widest {
		total += w
	}
	return total
}
