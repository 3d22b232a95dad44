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

// refusesAll is what exporter-toolkit logs when it cannot read the web configuration, which
// it does anew at each request. That it then lets nobody in, rather than whom the file let
// in before, is as it should be: the file says who may read.
const refusesAll = "Unable to parse configuration"

// complaints says in ftadvise's voice what a library logs as an error.
type complaints struct {
	voice     voice
	webConfig string // its file
	now       func() time.Time

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
	text := "serving: " + strings.Join(parts, ": ")
	if r.Message == refusesAll {
		text = c.webConfig + ": " + strings.Join(parts[1:], ": ") + "; every request is refused with 500 until it is mended"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if last, ok := c.said[text]; ok && c.now().Sub(last) < complainEvery {
		return nil
	}
	c.said[text] = c.now()
	c.voice.warning(text)
	return nil
}

func (c *complaints) WithAttrs([]slog.Attr) slog.Handler { return c }

func (c *complaints) WithGroup(string) slog.Handler { return c }
