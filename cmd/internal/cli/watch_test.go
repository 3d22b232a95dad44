package cli

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"ftadvise/advisor"
	"ftadvise/calibrate/evidence"
	"ftadvise/cmd/internal/config"
)

// The server of live measurements outlives a calibration: it shows how the run came
// out, and what was advised.
func TestLiveMetricsShowTheOutcome(t *testing.T) {
	var err bytes.Buffer
	a := &app{err: &err, now: time.Now}
	c := &config.Loaded{}
	c.Calibration.Metrics = "127.0.0.1:0"
	run := &evidence.Run{ID: "01J", CreatedAt: time.Now(), State: evidence.Running}
	for range 2 { // a second calibration of the same process finds the server there
		w, failed := a.watch(t.Context(), c)
		if failed != nil {
			t.Fatal(failed)
		}
		w.observers.Planned(run)
		w.stop()
	}
	_, at, _ := strings.Cut(err.String(), "live measurements at ")
	url := strings.TrimSpace(at)
	scraped(t, url, `ftadvise_run_state{run="01J",state="running"} 1`)
	run.State = evidence.Done
	a.publishRun(run)
	a.publishAdvice(&advisor.Recommendation{Run: "01J", CreatedAt: time.Now(), Verdict: advisor.Verdict{Answer: advisor.UseLoRA}})
	scraped(t, url, `ftadvise_run_state{run="01J",state="done"} 1`)
	scraped(t, url, `ftadvise_recommendation_info{answer="lora"`)
	a.conceal(t.Context())
	if _, failed := http.Get(url); failed == nil {
		t.Error("still served")
	}
	if n := strings.Count(err.String(), "\n"); n != 1 {
		t.Errorf("%d lines: %s", n, err.String())
	}
}

// An outcome that came after the last scrape waits for the next one, or for an interrupt.
func TestLiveMetricsWaitForALastScrape(t *testing.T) {
	for _, end := range []string{"scrape", "interrupt"} {
		var err bytes.Buffer
		a := &app{err: &err, now: time.Now}
		c := &config.Loaded{}
		c.Calibration.Metrics = "127.0.0.1:0"
		ctx, interrupt := context.WithCancel(t.Context())
		defer interrupt()
		if failed := a.expose(ctx, c); failed != nil {
			t.Fatal(failed)
		}
		_, at, _ := strings.Cut(err.String(), "live measurements at ")
		url := strings.TrimSpace(at)
		scraped(t, url, "ftadvise_")
		a.publishRun(&evidence.Run{ID: "01J", CreatedAt: time.Now(), State: evidence.Done})
		gone := make(chan struct{})
		go func() { a.conceal(ctx); close(gone) }()
		select {
		case <-gone:
			t.Errorf("%s: did not wait", end)
		case <-time.After(100 * time.Millisecond):
		}
		if end == "scrape" {
			scraped(t, url, `state="done"`)
		} else {
			interrupt()
		}
		select {
		case <-gone:
		case <-time.After(lastScrape / 2):
			t.Errorf("%s: waits on", end)
		}
	}
}

func scraped(t *testing.T, url, want string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(body), want) {
		t.Errorf("no %s in\n%s", want, body)
	}
}
