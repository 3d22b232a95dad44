package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"ftadvise/advisor/policy"
)

// Main runs ftadvise: args without the program's name, environ as os.Environ gives
// it. It returns the exit code and never panics.
func Main(args, environ []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	a := &app{environ: environ, in: stdin, out: stdout, err: stderr, now: time.Now}
	defer func() {
		if p := recover(); p != nil {
			a.voice().failed(fmt.Sprintf("a bug in ftadvise: %v", p))
			a.voice().hint("please report it with the command that you typed")
			code = exitBug
		}
	}()
	ctx, stop := listen(context.Background())
	defer stop()
	return a.report(ctx, a.run(ctx, args))
}

// listen ends the context at the first SIGINT or SIGTERM. A second one meets the
// system's default and ends the process at once.
func listen(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			code := exitInterrupted
			if s == syscall.SIGTERM {
				code = exitTerminated
			}
			cancel(signalled{code})
		case <-ctx.Done():
		}
	}()
	return ctx, func() { signal.Stop(signals); cancel(nil) }
}

// report says what went wrong and returns the exit code.
func (a *app) report(ctx context.Context, err error) int {
	if err == nil {
		return exitDone
	}
	var signal signalled
	if errors.Is(err, context.Canceled) && errors.As(context.Cause(ctx), &signal) {
		err = &failure{signal.code, hintOf(err), signal}
	}
	code, hint := diagnose(err)
	if !a.started && code == exitBug {
		code, hint = exitUsage, a.usageHint()
	}
	a.voice().failed(strings.ReplaceAll(withoutExcerpt(err), "\n", "; ")) // errors that were joined stand on lines of their own
	var place *policy.SyntaxError
	if errors.As(err, &place) {
		a.voice().excerpt(place.Excerpt)
	}
	a.voice().hint(hint)
	return code
}

// withoutExcerpt is an error's text but for the lines of a file that it shows.
func withoutExcerpt(err error) string {
	var place *policy.SyntaxError
	if errors.As(err, &place) && place.Excerpt != "" {
		return strings.Replace(err.Error(), "\n"+place.Excerpt, "", 1)
	}
	return err.Error()
}

func hintOf(err error) string {
	_, hint := diagnose(err)
	return hint
}
