package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"ftadvise/cmd/internal/config"
	"ftadvise/reports/metrics"
)

// gpuEvery is how often a GPU's sensors are read.
const gpuEvery = 5 * time.Second

// watched is who hears of a calibration, and how to let them go.
type watched struct {
	observers observers
	stop      func()
}

// watch sets up progress, and live metrics where an address was given. A port that is
// taken is refused here, before any time is spent.
func (a *app) watch(ctx context.Context, c *config.Loaded) (watched, error) {
	w := watched{observers: observers{a.newProgress()}, stop: func() {}}
	if c.Calibration.Metrics == "" {
		return w, nil
	}
	exporter := metrics.NewExporter(nil, metrics.Options{Version: version(), Now: a.now})
	serving, cancel := context.WithCancel(ctx)
	listening, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- exporter.Serve(serving, c.Calibration.Metrics, metrics.ServeOptions{
			WebConfig: c.Serve.WebConfig, AnyAddress: c.Serve.AllowRemote,
			Log:       slog.New(slog.NewTextHandler(io.Discard, nil)),
			Listening: func(at string) { listening <- at },
		})
	}()
	select {
	case err := <-ended:
		cancel()
		return w, err
	case at := <-listening:
		a.voice().note("live measurements at http://%s/metrics", at)
	}
	var sensors sync.WaitGroup
	sensors.Go(func() { _ = exporter.WatchGPU(serving, gpuEvery) }) // without sensors their series are absent
	w.observers = append(w.observers, exporter)
	w.stop = func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			a.voice().warning(fmt.Sprintf("live measurements: %v", err))
		}
		sensors.Wait()
	}
	return w, nil
}

// shellWord quotes a word for a POSIX shell where it needs that.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+=,", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
