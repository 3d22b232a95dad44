package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"ftadvise/advisor"
	"ftadvise/calibrate/evidence"
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
	if c.Calibration.Metrics != "" && a.metrics == nil {
		if err := a.expose(ctx, c); err != nil {
			return watched{}, err
		}
	}
	progress := a.newProgress()
	w := watched{observers: observers{progress}, stop: progress.close}
	if a.metrics != nil {
		w.observers = append(w.observers, a.metrics)
	}
	return w, nil
}

// exposed is a server of live measurements. It stays until the program ends, so that
// the outcome and the advice are to be had there too.
type exposed struct {
	*metrics.Exporter
	stop func()
	seen int64 // scrapes before the newest outcome
}

// expose serves live measurements, for all calibrations of this process.
func (a *app) expose(ctx context.Context, c *config.Loaded) error {
	exporter := metrics.NewExporter(nil, metrics.Options{Version: version(), Now: a.now})
	serving, cancel := context.WithCancel(ctx)
	listening, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- exporter.Serve(serving, c.Calibration.Metrics, metrics.ServeOptions{
			WebConfig: c.Serve.WebConfig, AnyAddress: c.Serve.AllowRemote,
			Listening: func(at string) { listening <- at },
		})
	}()
	select {
	case err := <-ended:
		cancel()
		return err
	case at := <-listening:
		a.voice().note("live measurements at http://%s/metrics", at)
	}
	var sensors sync.WaitGroup
	sensors.Go(func() { _ = exporter.WatchGPU(serving, gpuEvery) }) // without sensors their series are absent
	a.metrics = &exposed{Exporter: exporter, stop: func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			a.voice().warning(fmt.Sprintf("live measurements: %v", err))
		}
		sensors.Wait()
	}}
	return nil
}

// publishRun shows how a run came out, where live measurements are exposed.
func (a *app) publishRun(run *evidence.Run) {
	if a.metrics != nil && run != nil {
		a.metrics.PublishRun(run)
		a.metrics.seen = a.metrics.Scrapes()
	}
}

// publishAdvice shows what was advised, where live measurements are exposed.
func (a *app) publishAdvice(rec *advisor.Recommendation) {
	if a.metrics != nil {
		a.metrics.Publish(rec)
		a.metrics.seen = a.metrics.Scrapes()
	}
}

// conceal ends the server of live measurements, where there is one.
func (a *app) conceal(ctx context.Context) {
	if a.metrics != nil {
		a.metrics.linger(ctx, a.voice())
		a.metrics.stop()
	}
}

// lastScrape is how long the outcome waits to be scraped: three times the interval of
// the scrape configuration that `ftadvise dashboard` writes.
const lastScrape = 15 * time.Second

// linger lets whoever has scraped so far see the outcome too; nobody else is waited for.
func (x *exposed) linger(ctx context.Context, v voice) {
	unseen := func() bool { return x.seen > 0 && x.Scrapes() == x.seen && ctx.Err() == nil }
	if !unseen() {
		return
	}
	v.note("waiting up to %s for a last scrape", lastScrape)
	for end := time.Now().Add(lastScrape); unseen() && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
}
