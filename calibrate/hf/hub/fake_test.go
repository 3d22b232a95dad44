package hub

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	commitA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	commitB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// fakeHub speaks the hub's protocol: listings, the heads of files, small files itself
// and large ones by redirect to a second server. Its switches break it in the ways in
// which hubs, proxies and networks break.
type fakeHub struct {
	t    *testing.T
	mu   sync.Mutex
	hub  *httptest.Server
	cdn  *httptest.Server
	log  []string // METHOD path [Range]
	refs map[string]string
	// files are a commit's; those named *.safetensors and *.parquet are large.
	files map[string]map[string][]byte

	token      string // that is wanted, if any
	gated      bool
	broken     int    // questions still to be answered with 503
	cut        int    // large files still to be cut in half
	noRange    bool   // large files come whole, whatever range is asked for
	wrongRange bool   // a range that was not asked for
	corrupt    bool   // large files have another content than their hash says
	extra      string // a name added to listings
	moved      bool   // the repository has a new name
}

func newFakeHub(t *testing.T) *fakeHub {
	f := &fakeHub{t: t, refs: map[string]string{"main": commitA}, files: map[string]map[string][]byte{}}
	f.hub = httptest.NewServer(http.HandlerFunc(f.serve))
	f.cdn = httptest.NewServer(http.HandlerFunc(f.serveLarge))
	t.Cleanup(f.hub.Close)
	t.Cleanup(f.cdn.Close)
	f.files[commitA] = smallModel()
	return f
}

func smallModel() map[string][]byte {
	return map[string][]byte{
		"config.json":       []byte(`{"model_type":"llama"}`),
		"tokenizer.json":    []byte("{}"),
		"model.safetensors": bytes.Repeat([]byte("weights "), 4096),
		"pytorch_model.bin": []byte("never"),
		"LICENSE":           {},
	}
}

func (f *fakeHub) note(r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, strings.TrimSpace(r.Method+" "+r.URL.EscapedPath()+" "+r.Header.Get("Range")))
}

// count is the number of requests so far whose line holds text.
func (f *fakeHub) count(text string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, line := range f.log {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// spend takes one from a counter that is not used up.
func (f *fakeHub) spend(counter *int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	*counter--
	return *counter >= 0
}

func (f *fakeHub) serve(w http.ResponseWriter, r *http.Request) {
	f.note(r)
	if f.spend(&f.broken) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if f.refusedTo(w, r) {
		return
	}
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	if rest, ok := strings.CutPrefix(path, "api/"); ok {
		if _, commit, ok := strings.Cut(rest, "/tree/"); ok {
			f.serveTree(w, commit)
			return
		}
		_, revision, _ := strings.Cut(rest, "/revision/")
		f.serveListing(w, revision)
		return
	}
	before, after, _ := strings.Cut(path, "/resolve/")
	if f.moved && !strings.HasPrefix(before, "new/") {
		http.Redirect(w, r, "/new/"+before+"/resolve/"+after, http.StatusTemporaryRedirect)
		return
	}
	commit, name, _ := strings.Cut(after, "/")
	f.serveFile(w, r, commit, name)
}

func (f *fakeHub) refusedTo(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case f.gated:
		w.Header().Set("X-Error-Code", "GatedRepo")
		w.WriteHeader(http.StatusUnauthorized)
	case f.token != "" && r.Header.Get("Authorization") != "Bearer "+f.token:
		w.WriteHeader(http.StatusUnauthorized)
	default:
		return false
	}
	return true
}

func (f *fakeHub) serveListing(w http.ResponseWriter, escaped string) {
	revision, err := url.PathUnescape(escaped)
	if err != nil {
		f.t.Error(err)
	}
	commit := f.refs[cmp.Or(revision, defaultRevision)]
	if _, ok := f.files[revision]; ok {
		commit = revision
	}
	if commit == "" {
		w.Header().Set("X-Error-Code", "RevisionNotFound")
		w.WriteHeader(http.StatusNotFound)
		return
	}
	names := slices.Sorted(maps.Keys(f.files[commit]))
	if f.extra != "" {
		names = append(names, f.extra)
	}
	siblings := []map[string]string{}
	for _, name := range names {
		siblings = append(siblings, map[string]string{"rfilename": name})
	}
	answer := map[string]any{"id": "org/name", "sha": commit, "siblings": siblings, "tags": []string{}}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		f.t.Error(err)
	}
}

// serveTree is the listing that huggingface_hub asks for.
func (f *fakeHub) serveTree(w http.ResponseWriter, commit string) {
	tree := []map[string]any{}
	for name, data := range f.files[commit] {
		tree = append(tree, map[string]any{"type": "file", "path": name, "size": len(data), "oid": commit})
	}
	if err := json.NewEncoder(w).Encode(tree); err != nil {
		f.t.Error(err)
	}
}

func isLarge(name string) bool {
	return strings.HasSuffix(name, ".safetensors") || strings.HasSuffix(name, ".parquet")
}

func (f *fakeHub) serveFile(w http.ResponseWriter, r *http.Request, commit, name string) {
	w.Header().Set("X-Repo-Commit", commit)
	data, ok := f.files[commit][name]
	if !ok {
		w.Header().Set("X-Error-Code", "EntryNotFound")
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if isLarge(name) {
		sum := sha256.Sum256(data)
		w.Header().Set(linkedETag, `"`+hex.EncodeToString(sum[:])+`"`)
		w.Header().Set("X-Linked-Size", fmt.Sprint(len(data)))
		http.Redirect(w, r, f.cdn.URL+"/"+commit+"/"+name+"?signature=secret", http.StatusFound)
		return
	}
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(data), data))
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
}

func (f *fakeHub) serveLarge(w http.ResponseWriter, r *http.Request) {
	f.note(r)
	if got := r.Header.Get("Authorization"); got != "" {
		f.t.Errorf("the second server was shown the token %q", got)
	}
	commit, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	data := f.files[commit][name]
	if f.corrupt {
		data = bytes.Repeat([]byte("x"), len(data))
	}
	if f.noRange {
		r.Header.Del("Range")
	}
	if f.wrongRange {
		r.Header.Set("Range", "bytes=1-")
	}
	if f.spend(&f.cut) {
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		if _, err := w.Write(data[:len(data)/2]); err != nil {
			f.t.Error(err)
		}
		return // the server closes the connection, since the rest is missing
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
}

// resolve is Resolve with a cache of its own and no waiting between attempts.
func (f *fakeHub) resolve(cache, ref string, kind Kind, more ...string) (Snapshot, []Progress, error) {
	env := map[string]string{"HF_HUB_CACHE": cache, "HF_ENDPOINT": f.hub.URL}
	for i := 0; i+1 < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	p, err := readPlaces(func(name string) string { return env[name] })
	if err != nil {
		return Snapshot{}, nil, err
	}
	parsed, err := ParseRef(ref, kind)
	if err != nil {
		return Snapshot{}, nil, err
	}
	c := newClient(p)
	c.pause = func(ctx context.Context, _ int, _ time.Duration) error { return ctx.Err() }
	var seen []Progress
	s, err := resolve(context.Background(), parsed, p, c, func(p Progress) { seen = append(seen, p) })
	return s, seen, err
}
