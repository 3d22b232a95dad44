package cli

import (
	"io"
	"os"

	"golang.org/x/term"
)

// terminalWidth is the number of columns of the terminal that w is, or 0 where w is
// none or cannot move its cursor.
func (a *app) terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || a.env("TERM") == "dumb" || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}
