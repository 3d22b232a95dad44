package metrics_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/bcrypt"

	"ftadvise/reports/metrics"
)

// gate is a collector that waits, so that scrapes pile up.
type gate struct{ open chan struct{} }

func (g gate) Describe(ch chan<- *prometheus.Desc) {
	ch <- prometheus.NewDesc("gate", "A gate.", nil, nil)
}
func (g gate) Collect(chan<- prometheus.Metric) { <-g.open }

func TestAtMostFortyScrapesInFlight(t *testing.T) {
	reg, g := prometheus.NewRegistry(), gate{open: make(chan struct{})}
	e := metrics.NewExporter(reg, metrics.Options{})
	if err := reg.Register(g); err != nil {
		t.Fatal(err)
	}
	h := e.Handler()
	codes := make(chan int, 1000)
	var all sync.WaitGroup
	for range 1000 {
		all.Go(func() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
			codes <- w.Code
		})
	}
	for range 960 {
		if code := <-codes; code != http.StatusServiceUnavailable {
			t.Fatalf("a scrape beyond forty got %d", code)
		}
	}
	close(g.open)
	all.Wait()
	close(codes)
	served := 0
	for code := range codes {
		if code == http.StatusOK {
			served++
		}
	}
	if served != 40 {
		t.Errorf("%d scrapes served, want 40", served)
	}
}

func TestOnlyTheseRoutes(t *testing.T) {
	h := metrics.NewExporter(nil, metrics.Options{}).Handler()
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/metrics", 200}, {"HEAD", "/metrics", 200}, {"GET", "/healthz", 200}, {"GET", "/", 200},
		{"POST", "/metrics", 405}, {"BREW", "/", 405}, {"GET", "/..%2f..%2fetc/passwd", 404},
		{"GET", "/%2e%2e/etc/passwd", 404}, {"GET", "/a%00b", 404}, {"GET", "/debug/pprof/", 404},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.want && !(c.want == 404 && w.Code == 301) {
			t.Errorf("%s %s = %d, want %d", c.method, c.path, w.Code, c.want)
		}
	}
}

// serving starts Serve on a free port and returns its address and its end.
func serving(t *testing.T, opts metrics.ServeOptions) (string, context.CancelFunc, chan error) {
	t.Helper()
	e := metrics.NewExporter(nil, metrics.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	addr, done := make(chan string, 1), make(chan error, 1)
	opts.Listening = func(a string) { addr <- a }
	go func() { done <- e.Serve(ctx, "127.0.0.1:0", opts) }()
	select {
	case a := <-addr:
		return a, cancel, done
	case err := <-done:
		t.Fatal(err)
	}
	return "", cancel, done
}

func TestServeAnswersAndStops(t *testing.T) {
	addr, cancel, done := serving(t, metrics.ServeOptions{})
	resp, err := http.Get("http://" + addr + "/metrics")
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%v %v", resp, err)
	}
	_ = resp.Body.Close()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve = %v", err)
	}
}

func TestHugeHeaderIsRefused(t *testing.T) {
	addr, cancel, _ := serving(t, metrics.ServeOptions{})
	defer cancel()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	go func() {
		_, _ = fmt.Fprintf(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("a", 1<<20))
	}()
	line, _ := bufio.NewReader(conn).ReadString('\n')
	if !strings.Contains(line, "431") {
		t.Errorf("answer %q, want 431", line)
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	bad := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(bad, []byte("tls_server_config: {cert_file: gone.pem, key_file: gone.key}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		addr string
		opts metrics.ServeOptions
	}{
		"no port":            {"localhost", metrics.ServeOptions{}},
		"in use":             {busy.Addr().String(), metrics.ServeOptions{}},
		"open to all":        {"0.0.0.0:0", metrics.ServeOptions{}},
		"name of a host":     {"example.invalid:9464", metrics.ServeOptions{}},
		"certificate absent": {"127.0.0.1:0", metrics.ServeOptions{WebConfig: bad}},
		"config absent":      {"127.0.0.1:0", metrics.ServeOptions{WebConfig: "absent.yml"}},
	} {
		err := metrics.NewExporter(nil, metrics.Options{}).Serve(t.Context(), c.addr, c.opts)
		var refused *metrics.ListenError
		if !errors.As(err, &refused) || refused.Hint() == "" || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBasicAuth(t *testing.T) {
	config := filepath.Join(t.TempDir(), "web.yml")
	hash, err := bcrypt.GenerateFromPassword([]byte("right"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte("basic_auth_users:\n  prom: "+string(hash)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	addr, cancel, _ := serving(t, metrics.ServeOptions{WebConfig: config})
	defer cancel()
	for password, want := range map[string]int{"right": 200, "wrong": 401, "": 401} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("prom", password)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("password %q: %d, want %d", password, resp.StatusCode, want)
		}
	}
}
