package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// terminalSize is the columns and rows of the terminal that w is, or 0 where w is none
// or cannot move its cursor.
func (a *app) terminalSize(w io.Writer) (width, height int) {
	f, ok := w.(*os.File)
	if !ok || a.env("TERM") == "dumb" || !term.IsTerminal(int(f.Fd())) {
		return 0, 0
	}
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, 0
	}
	return width, height
}

// screen is the lowest part of a terminal, drawn over in place. Its cursor rests on
// the line below what it drew.
type screen struct {
	w     io.Writer
	drawn int // lines
}

// draw replaces what was drawn before, in one write so that nothing flickers. A
// terminal that went away does not stop a calibration.
func (s *screen) draw(lines []string) {
	var b strings.Builder
	s.up(&b)
	for _, line := range lines {
		b.WriteString("\x1b[2K" + line + "\n")
	}
	b.WriteString("\x1b[J")
	s.drawn = len(lines)
	fmt.Fprint(s.w, b.String())
}

// erase takes it away, so that other lines can be written.
func (s *screen) erase() {
	var b strings.Builder
	s.up(&b)
	if s.drawn > 0 {
		fmt.Fprint(s.w, b.String()+"\x1b[J")
	}
	s.drawn = 0
}

func (s *screen) up(b *strings.Builder) {
	if s.drawn > 0 {
		fmt.Fprintf(b, "\x1b[%dA\r", s.drawn)
	}
}
