package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// client speaks the hub's protocol.
type client struct {
	endpoint string
	token    string
	http     *http.Client
	pause    func(ctx context.Context, attempt int, wanted time.Duration) error
}

const (
	headerTimeout = 30 * time.Second
	stallTimeout  = 60 * time.Second
	longestPause  = 30 * time.Second
	maxListing    = 64 << 20
	maxRedirects  = 10
	userAgent     = "ftadvise"
	theAnswer     = "the hub's answer"
	linkedETag    = "X-Linked-Etag" // of the file that a redirect leads to
	// Questions are given up sooner than downloads: with no network the cache must do.
	askAttempts      = 3
	downloadAttempts = 5
)

func newClient(p places) *client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = headerTimeout
	c := &client{endpoint: p.endpoint, token: p.token, pause: pause}
	c.http = &http.Client{Transport: transport, CheckRedirect: c.redirect}
	return c
}

// redirect lets a request follow to where the files really lie, but the token stays
// with the hub, and nothing goes from TLS to plain text.
func (c *client) redirect(next *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return errors.New("too many redirects")
	}
	if via[0].Method == http.MethodHead && (next.URL.Host != via[0].URL.Host || next.Response.Header.Get(linkedETag) != "") {
		return http.ErrUseLastResponse // the hash is in the hub's own answer
	}
	if via[0].URL.Scheme == "https" && next.URL.Scheme != "https" {
		return errors.New("redirect from https to " + next.URL.Scheme)
	}
	if next.URL.Host != via[0].URL.Host {
		next.Header.Del("Authorization")
	}
	return nil
}

// pause waits before another attempt: as long as the hub wants, else twice as long
// each time.
func pause(ctx context.Context, attempt int, wanted time.Duration) error {
	wait := min(longestPause, max(wanted, time.Second<<attempt))
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}

// do sends one request. Answers that another attempt may better come back as
// *retryError.
func (c *client) do(ctx context.Context, method, address string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, fmt.Errorf("request to %s: %w", c.endpoint, err)
	}
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept-Encoding", "identity") // sizes and ranges count the file's bytes
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &retryError{err: plainURLError(err)}
	}
	if answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode >= 500 {
		answer.Body.Close()
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		return nil, &retryError{err: fmt.Errorf("answered %s", answer.Status), wait: time.Duration(seconds) * time.Second}
	}
	return answer, nil
}

// plainURLError drops the URL, which may carry a signature.
func plainURLError(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// retryError is worth another attempt.
type retryError struct {
	err  error
	wait time.Duration
}

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }

// retry calls work until it succeeds, fails for good, or has failed so many times
// without any progress, which work reports.
func (c *client) retry(ctx context.Context, attempts int, work func() (progress bool, err error)) error {
	for attempt := 0; ; attempt++ {
		progress, err := work()
		var again *retryError
		if !errors.As(err, &again) {
			return err
		}
		if progress {
			attempt = 0
		}
		if attempt+1 >= attempts {
			return &UnreachableError{Where: c.endpoint, What: "does not answer", Advice: adviceUnreachable, Err: again.err}
		}
		if err := c.pause(ctx, attempt, again.wait); err != nil {
			return err
		}
	}
}

// listing is what the hub says about a revision.
type listing struct {
	Commit   string `json:"sha"`
	Siblings []struct {
		Name string `json:"rfilename"`
	} `json:"siblings"`
}

func (l listing) names() []string {
	var names []string
	for _, s := range l.Siblings {
		names = append(names, s.Name)
	}
	return names
}

func (c *client) list(ctx context.Context, ref Ref) (listing, error) {
	address := fmt.Sprintf("%s/api/%ss/%s/revision/%s", c.endpoint, ref.Kind, ref.ID, url.PathEscape(ref.Revision))
	var l listing
	err := c.retry(ctx, askAttempts, func() (bool, error) {
		answer, err := c.do(ctx, http.MethodGet, address, nil)
		if err != nil {
			return false, err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return false, c.explain(answer, ref)
		}
		if err := json.NewDecoder(io.LimitReader(answer.Body, maxListing)).Decode(&l); err != nil {
			return false, &retryError{err: fmt.Errorf("%s is no JSON: %w", theAnswer, err)}
		}
		return false, nil
	})
	if err == nil && !commitPattern.MatchString(l.Commit) {
		err = &UnreachableError{Where: c.endpoint, What: fmt.Sprintf("%s names no commit of %s", theAnswer, ref), Advice: "check HF_ENDPOINT"}
	}
	return l, err
}

// explain turns a refusal of the hub into words.
func (c *client) explain(answer *http.Response, ref Ref) error {
	code := answer.Header.Get("X-Error-Code")
	switch {
	case code == "GatedRepo":
		return refuse(ref.ID, "accept its terms on its page at "+c.endpoint+"/"+ref.page()+", then set HF_TOKEN", "is gated")
	case code == "RevisionNotFound":
		return &noRevision{refuse(ref.ID, "look at its branches and tags", "has no revision %q", ref.Revision)}
	case code == "EntryNotFound":
		return refuse(ref.ID, "try again: it may have changed meanwhile", "lacks a file that it lists")
	case code == "RepoNotFound", answer.StatusCode == http.StatusNotFound, answer.StatusCode == http.StatusUnauthorized && c.token == "":
		return refuse(ref.ID, "check the name; if it is private, set HF_TOKEN", "is no %s that the hub shows", ref.Kind)
	case answer.StatusCode == http.StatusUnauthorized:
		return refuse(ref.ID, "log in again or set another HF_TOKEN", "cannot be read: the hub does not accept the token")
	case answer.StatusCode == http.StatusForbidden:
		return refuse(ref.ID, "ask its owner, or set another HF_TOKEN", "cannot be read with this token")
	}
	return &UnreachableError{Where: c.endpoint, What: "answered " + answer.Status, Advice: adviceUnreachable}
}

// noRevision is a refusal for a revision that is not there.
type noRevision struct{ refusal error }

func (e *noRevision) Error() string { return e.refusal.Error() }
func (e *noRevision) Unwrap() error { return e.refusal }

// page is the path of the repository's page.
func (r Ref) page() string {
	if r.Kind == Dataset {
		return "datasets/" + r.ID
	}
	return r.ID
}

// address is where a file of a commit is.
func (c *client) address(ref Ref, commit, name string) string {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return fmt.Sprintf("%s/%s/resolve/%s/%s", c.endpoint, ref.page(), commit, strings.Join(parts, "/"))
}

// remote is what the hub says about a file before it is downloaded.
type remote struct {
	etag string // SHA-256 of a large file, git's SHA-1 of a small one
	size int64
}

var errNoSize = errors.New("names no size of the file")

func (c *client) head(ctx context.Context, ref Ref, commit, name string) (remote, error) {
	var r remote
	err := c.retry(ctx, askAttempts, func() (bool, error) {
		answer, err := c.do(ctx, http.MethodHead, c.address(ref, commit, name), nil)
		if err != nil {
			return false, err
		}
		answer.Body.Close()
		if answer.StatusCode >= 400 {
			return false, c.explain(answer, ref)
		}
		r, err = readRemote(answer)
		if err != nil {
			return false, &UnreachableError{Where: c.endpoint, What: theAnswer + " about " + name, Advice: "check HF_ENDPOINT", Err: err}
		}
		return false, nil
	})
	return r, err
}

func readRemote(answer *http.Response) (remote, error) {
	etag := firstOf(answer.Header.Get(linkedETag), answer.Header.Get("ETag"))
	r := remote{etag: strings.Trim(strings.TrimPrefix(etag, "W/"), `"`), size: answer.ContentLength}
	if linked := answer.Header.Get("X-Linked-Size"); linked != "" {
		size, err := strconv.ParseInt(linked, 10, 64)
		if err != nil {
			return r, errNoSize
		}
		r.size = size
	}
	if r.size < 0 {
		return r, errNoSize
	}
	if r.hash() == nil {
		return r, fmt.Errorf("names no hash of the file, but %q", etag)
	}
	return r, nil
}
