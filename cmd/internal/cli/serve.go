package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ftadvise/advisor/audit"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/store"
	"ftadvise/reports/metrics"
)

func (a *app) serveVerb() (*cobra.Command, error) {
	cmd, err := verb("serve", "expose the stored runs' measurements and advice to Prometheus", a.serve,
		"serve.addr", "serve.allow_remote", "serve.web_config")
	if err != nil {
		return nil, err
	}
	// calibrate calls the address --metrics; whoever types that here means --addr.
	cmd.Flags().SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "metrics" {
			name = "addr"
		}
		return pflag.NormalizedName(name)
	})
	return cmd, nil
}

func (a *app) serve(cmd *cobra.Command, _ []string) error {
	c, s, err := a.settingsAndStore(cmd)
	if err != nil {
		return err
	}
	exporter := metrics.NewExporter(nil, metrics.Options{Version: version(), Now: a.now})
	f := newFeed(s, exporter, a.voice())
	if err := f.refresh(); err != nil {
		return err
	}
	return a.serveUntilStopped(cmd.Context(), exporter, metrics.ServeOptions{
		WebConfig: c.Serve.WebConfig, AnyAddress: c.Serve.AllowRemote,
		Log: slog.New(&complaints{voice: a.voice(), webConfig: c.Serve.WebConfig, now: a.now, said: map[string]time.Time{}}),
	}, c.Serve.Addr, f.keep)
}

// serveUntilStopped answers scrapes and keeps the exporter fed until a signal comes,
// which ends a server as it should end: with 0.
func (a *app) serveUntilStopped(ctx context.Context, e *metrics.Exporter, opts metrics.ServeOptions, addr string, keep func(context.Context)) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	opts.Listening = func(at string) { a.voice().note("serving http://%s/metrics", at) }
	var feeding sync.WaitGroup
	feeding.Go(func() { keep(serving) })
	err := e.Serve(serving, addr, opts)
	stop()
	feeding.Wait()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// feed shows the store's newest runs to an exporter, and again what has changed.
type feed struct {
	store    *store.Store
	exporter *metrics.Exporter
	voice    voice
	seen     map[string]look // by run, as it was published
}

// look is what tells that a run has changed since it was published. Advice comes after
// the run's last second, and a run whose calibration died is saved no more.
type look struct {
	seconds float64
	state   evidence.State
	advised time.Time // when its advice was written
}

func newFeed(s *store.Store, e *metrics.Exporter, v voice) feed {
	return feed{store: s, exporter: e, voice: v, seen: map[string]look{}}
}

// shownRuns is how many runs carry series; the exporter leaves out older ones.
const shownRuns = 20

// refreshEvery is how often a server looks at the store.
const refreshEvery = 10 * time.Second

func (f feed) keep(ctx context.Context) {
	ticker := time.NewTicker(refreshEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := f.refresh(); err != nil { // the last good values stay
				f.voice.warning(fmt.Sprintf("the store cannot be read: %v", err))
			}
		}
	}
}

// refresh publishes new and changed runs, the oldest first, and takes back those that
// are there no more.
func (f feed) refresh() error {
	headers, _, err := f.store.List()
	if err != nil {
		return err
	}
	headers = headers[:min(len(headers), shownRuns)]
	for id := range f.seen {
		if !slices.ContainsFunc(headers, func(h *evidence.Run) bool { return h.ID == id }) {
			f.exporter.Forget(id)
			delete(f.seen, id)
		}
	}
	for _, h := range slices.Backward(headers) {
		if err := f.show(h); err != nil {
			f.voice.warning(fmt.Sprintf("run %s is not shown: %v", h.ID, err))
		}
	}
	return f.publishAudit()
}

// show publishes a run that is new or looks other than before.
func (f feed) show(header *evidence.Run) error {
	folder, err := f.store.Folder(header.ID)
	if err != nil {
		return err
	}
	now := look{seconds: header.Seconds, state: header.State}
	if info, err := os.Stat(filepath.Join(folder.Path(), adviceFile)); err == nil {
		now.advised = info.ModTime()
	}
	if before, ok := f.seen[header.ID]; ok && before == now {
		return nil
	}
	f.seen[header.ID] = now // what cannot be read is said once, not every few seconds
	return f.publish(folder)
}

// publishAudit shows how past advice has done; a figure that cannot be reckoned yet is
// not a number.
func (f feed) publishAudit() error {
	records, _, err := outcomes(f.store)
	if err != nil || len(records) == 0 {
		return err
	}
	summary := audit.Summarise(records)
	right := map[string]bool{}
	for _, r := range records {
		if one := audit.Summarise([]audit.Record{r}); one.Judged == 1 {
			right[r.Run] = one.Hits == 1
		}
	}
	f.exporter.PublishAudit(metrics.Audit{
		HitRatio: orNaN(summary.HitRate), CoverageRatio: orNaN(summary.Coverage),
		MemoryErrorRatio: orNaN(summary.MemoryError), Right: right,
	})
	return nil
}

func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

func (f feed) publish(folder *store.Folder) error {
	run, err := folder.Load()
	if err != nil {
		return err
	}
	f.exporter.PublishRun(run)
	rec, err := readRecommendation(folder)
	if rec != nil {
		f.exporter.Publish(rec)
	}
	return err
}
