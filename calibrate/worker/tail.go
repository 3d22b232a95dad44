package worker

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"sync"
)

// What tail keeps: enough for a stack trace, not for a flood. Of a crash it keeps the
// lines before as well, in which libtorch says why it aborts: Go then prints hundreds
// of lines on goroutines, and the last fifty of those would say nothing.
const (
	tailLines      = 50
	tailLineBytes  = 4 << 10
	tailCrashLines = 20 // of a crash's own
)

// crashLine opens what a Go program prints on a fatal signal or error.
var crashLine = regexp.MustCompile(`^(SIG[A-Z]+: |fatal error: |panic: |unexpected fault address)`)

// tail keeps the last lines of a stream and passes whole lines on.
type tail struct {
	copy io.Writer // may be nil

	mu    sync.Mutex
	lines []string
	part  []byte // of a line that has not ended
	crash string // the line with which a crash began
	since int    // lines since then
}

// Write implements io.Writer and never fails: the child's stderr is its own affair.
func (t *tail) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for rest := data; len(rest) > 0; {
		text, after, ended := bytes.Cut(rest, []byte{'\n'})
		room := max(0, tailLineBytes-len(t.part))
		t.part = append(t.part, text[:min(room, len(text))]...)
		if ended {
			t.endLine()
		}
		rest = after
	}
	return len(data), nil
}

func (t *tail) endLine() {
	text := string(t.part)
	if t.crash == "" && crashLine.MatchString(text) {
		t.crash = text
	}
	if t.crash != "" {
		t.since++
	}
	if t.since <= tailCrashLines {
		t.lines = append(t.lines, text)
	}
	if len(t.lines) > tailLines {
		t.lines = t.lines[1:]
	}
	if t.copy != nil {
		_, _ = t.copy.Write(append(t.part, '\n')) // a lost copy changes nothing
	}
	t.part = t.part[:0]
}

// Crash returns the line with which the process announced its crash, or "".
func (t *tail) Crash() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.crash
}

// String returns the lines kept, the unfinished one as well.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.Join(t.lines, "\n")
	if len(t.part) > 0 {
		text += "\n" + string(t.part)
	}
	return strings.TrimSpace(text)
}
