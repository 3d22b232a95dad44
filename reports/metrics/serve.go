package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/exporter-toolkit/web"
)

// maxInFlight scrapes are answered together; the next gets 503.
const maxInFlight = 40

// drainTime is what scrapes under way get when the server is told to stop.
const drainTime = 5 * time.Second

// ServeOptions say how to listen.
type ServeOptions struct {
	// WebConfig is a file in exporter-toolkit's format: TLS, basic auth, headers.
	WebConfig string
	// AnyAddress allows an address beyond loopback without a WebConfig.
	AnyAddress bool
	Log        *slog.Logger      // nil is silent
	Listening  func(addr string) // told the address once it is open; may be nil
}

// ListenError reports an address or a web configuration that cannot be served from:
// a fault of the environment, not of the input.
type ListenError struct {
	Where, What string
	hint        string
	Err         error
}

// Error implements error.
func (e *ListenError) Error() string { return e.Where + ": " + e.What }

// Hint says what to do about it.
func (e *ListenError) Hint() string { return e.hint }

// Unwrap returns the cause.
func (e *ListenError) Unwrap() error { return e.Err }

// Scrapes is how many scrapes were answered, so that a short-lived program can wait for
// the one that sees its last values.
func (e *Exporter) Scrapes() int64 { return e.scrapes.Load() }

// Handler answers /metrics, /healthz and a line of text at /, and nothing else.
func (e *Exporter) Handler() http.Handler {
	mux := http.NewServeMux()
	scrape := promhttp.HandlerFor(e.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: maxInFlight,
		EnableOpenMetrics:   true,
		Timeout:             10 * time.Second,
		ErrorHandling:       promhttp.HTTPErrorOnError,
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		scrape.ServeHTTP(w, r)
		e.scrapes.Add(1)
	})
	say := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("X-Content-Type-Options", "nosniff")
			_, _ = io.WriteString(w, text)
		}
	}
	mux.HandleFunc("GET /healthz", say("ok\n"))
	mux.HandleFunc("GET /{$}", say("ftadvise: metrics are at /metrics\n"))
	return mux
}

// Serve answers scrapes at addr (host:port) until ctx ends, then lets those under
// way finish. It returns a *ListenError where it cannot listen there.
func (e *Exporter) Serve(ctx context.Context, addr string, opts ServeOptions) error {
	if e.broken != nil {
		return fmt.Errorf("metrics: %w", e.broken)
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	listener, err := listen(ctx, addr, opts)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // the server closes it, unless it never began
	if opts.Listening != nil {
		opts.Listening(listener.Addr().String())
	}
	server := newServer(e.Handler())
	drained := make(chan struct{})
	running := context.AfterFunc(ctx, func() {
		defer close(drained)
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		_ = server.Shutdown(drain)
	})
	err = web.Serve(listener, server, &web.FlagConfig{WebConfigFile: &opts.WebConfig}, opts.Log)
	if !running() {
		<-drained // Serve returns when the shutdown begins, not when it is through
	}
	if ctx.Err() != nil && errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return &ListenError{Where: addr, What: "the metrics server stopped: " + err.Error(), Err: err,
		hint: "check the web configuration's certificate, key and users"}
}

// newServer bounds what a client may take: header size and every phase's time.
func newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           http.MaxBytesHandler(h, 1<<10),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
}

func listen(ctx context.Context, addr string, opts ServeOptions) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, &ListenError{Where: addr, What: "not a host and port", Err: err, hint: "give 127.0.0.1:9464, or :0 for any free port"}
	}
	if host == "" {
		addr = "127.0.0.1" + addr
	}
	if !loopback(host) && !opts.AnyAddress && opts.WebConfig == "" {
		return nil, &ListenError{Where: addr, What: "others could read the metrics without a password",
			hint: "listen on 127.0.0.1, give TLS and users by serve.web_config (--web-config), or set serve.allow_remote (--allow-remote)"}
	}
	if opts.WebConfig != "" {
		if err := web.Validate(opts.WebConfig); err != nil {
			return nil, &ListenError{Where: opts.WebConfig, What: err.Error(), Err: err, hint: "mend the web configuration file"}
		}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, &ListenError{Where: addr, What: "cannot listen: " + err.Error(), Err: err,
			hint: "choose another port, or stop what holds this one"}
	}
	return listener, nil
}

// loopback reports whether a host names this machine alone; no name means loopback
// here, unlike in net.
func loopback(host string) bool {
	if host == "" || host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
