package cli

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ftadvise/reports/metrics"
)

// TestComplaintsAreSaidOnce: what breaks while a server runs is said with its cause, and
// not at every request.
func TestComplaintsAreSaidOnce(t *testing.T) {
	config := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(config, []byte("http_server_config: {http2: false}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	now := time.Unix(0, 0)
	log := slog.New(&complaints{voice: voice{w: &said}, webConfig: "web.yml", now: func() time.Time { return now }, said: map[string]time.Time{}})
	ctx, stop := context.WithCancel(t.Context())
	at, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- metrics.NewExporter(nil, metrics.Options{}).Serve(ctx, "127.0.0.1:0", metrics.ServeOptions{WebConfig: config, Log: log, Listening: func(addr string) { at <- addr }})
	}()
	url := "http://" + <-at + "/healthz"
	ask(t, url, http.StatusOK)
	if err := os.WriteFile(config, []byte("{{ not yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	ask(t, url, http.StatusInternalServerError)
	ask(t, url, http.StatusInternalServerError)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if text := said.String(); strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "ftadvise: warning: web.yml: yaml: ") || !strings.HasSuffix(text, "; every request is refused with 500 until it is mended\n") {
		t.Errorf("%q", text)
	}
	log.Info("nothing to see")
	now = now.Add(complainEvery)
	log.Error("again")
	log.Error("again")
	if n := strings.Count(said.String(), "again"); n != 1 || strings.Contains(said.String(), "nothing") {
		t.Errorf("%q", said.String())
	}
}

func ask(t *testing.T, url string, want int) {
	t.Helper()
	for range 50 { // the listener is open before the server answers
		resp, err := http.Get(url)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode != want {
				t.Fatalf("%d, want %d", resp.StatusCode, want)
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no answer at %s", url)
}
