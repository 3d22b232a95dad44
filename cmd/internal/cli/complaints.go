package cli

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// complainEvery is how often the same complaint is repeated: a server that refuses every
// request, as when its web configuration is broken, would else say so at each of them.
const complainEvery = time.Minute

// complaints says in ftadvise's voice what a library logs as an error.
type complaints struct {
	voice voice
	now   func() time.Time

	mu   sync.Mutex
	said map[string]time.Time
}

var _ slog.Handler = (*complaints)(nil)

func (c *complaints) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelError
}

// Handle says a record and its attributes' values in one line.
func (c *complaints) Handle(_ context.Context, r slog.Record) error {
	parts := []string{strings.ToLower(r.Message)}
	r.Attrs(func(a slog.Attr) bool {
		parts = append(parts, a.Value.String())
		return true
	})
	text := strings.Join(parts, ": ")
	c.mu.Lock()
	defer c.mu.Unlock()
	if last, ok := c.said[text]; ok && c.now().Sub(last) < complainEvery {
		return nil
	}
	c.said[text] = c.now()
	c.voice.warning("serving: " + text)
	return nil
}

func (c *complaints) WithAttrs([]slog.Attr) slog.Handler { return c }

func (c *complaints) WithGroup(string) slog.Handler { return c }
