package worker

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// What tail keeps: enough for a stack trace, not for a flood.
const (
	tailLines     = 50
	tailLineBytes = 4 << 10
)

// tail keeps the last lines of a stream and passes whole lines on.
type tail struct {
	copy io.Writer // may be nil

	mu    sync.Mutex
	lines []string
	part  []byte // of a line that has not ended
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
	t.lines = append(t.lines, string(t.part))
	if len(t.lines) > tailLines {
		t.lines = t.lines[1:]
	}
	if t.copy != nil {
		_, _ = t.copy.Write(append(t.part, '\n')) // a lost copy changes nothing
	}
	t.part = t.part[:0]
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
