package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// voice is how ftadvise speaks to a person, always on stderr:
//
//	ftadvise: error: what, where      one line, lower case, no full stop, no stack trace
//	ftadvise: hint: what to do        the command to type, where there is one
//	ftadvise: warning: doubt          the work goes on
//	ftadvise: note                    what is being done; silent with --quiet
//
// Whatever a file or a user named is shown with its control characters escaped, so
// that no name can move the cursor, colour the terminal or forge a second line.
type voice struct {
	w     io.Writer
	quiet bool
}

func (v voice) failed(what string)  { v.line("error: ", what) }
func (v voice) warning(what string) { v.line("warning: ", what) }

func (v voice) hint(what string) {
	if !v.quiet && what != "" {
		v.line("hint: ", what)
	}
}

func (v voice) note(format string, args ...any) {
	if !v.quiet {
		v.line("", fmt.Sprintf(format, args...))
	}
}

// excerpt shows lines of a file below an error, with the caret under the place.
func (v voice) excerpt(lines string) {
	if lines == "" {
		return
	}
	for line := range strings.Lines(lines) {
		_, _ = fmt.Fprintln(v.w, printable(strings.ReplaceAll(strings.TrimRight(line, "\n"), "\t", " ")))
	}
}

// line writes one line. A stderr that cannot be written has nobody to tell.
func (v voice) line(prefix, what string) {
	_, _ = fmt.Fprintf(v.w, "ftadvise: %s%s\n", prefix, printable(what))
}

// printable escapes what does not print: control characters, line ends, and the
// marks that reverse the direction of writing.
func printable(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}
