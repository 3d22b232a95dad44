package hub

import (
	"context"
	"crypto/sha1" // git's own hash of small files
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	sha1Hex   = 40
	sha256Hex = 64
)

// hash starts the checksum that the etag is of, or returns nil where it is of none.
func (r remote) hash() hash.Hash {
	if _, err := hex.DecodeString(r.etag); err != nil || r.etag != strings.ToLower(r.etag) {
		return nil
	}
	switch len(r.etag) {
	case sha256Hex:
		return sha256.New()
	case sha1Hex:
		h := sha1.New()
		fmt.Fprintf(h, "blob %d\x00", r.size)
		return h
	}
	return nil
}

// download is one file on its way into blobs.
type download struct {
	client   *client
	ref      Ref
	commit   string
	name     string
	remote   remote
	root     *os.Root // the repository's folder in the cache
	progress func(done int64)
}

func (d *download) blob() string { return "blobs/" + d.remote.etag }

// fetch downloads into blobs/ETAG.incomplete, going on where an earlier attempt left
// off, checks the hash and moves the file into place. What an earlier attempt left may
// be wrong, so a bad hash then gives it one more try from the start.
func (d *download) fetch(ctx context.Context) error {
	part := d.blob() + ".incomplete"
	file, err := d.root.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("download %s: %w", d.name, err)
	}
	defer file.Close()
	before, err := file.Stat()
	if err != nil {
		return fmt.Errorf("download %s: %w", d.name, err)
	}
	err = d.complete(ctx, file)
	if errors.As(err, new(*badHash)) && before.Size() > 0 {
		err = errors.Join(file.Truncate(0), d.complete(ctx, file))
	}
	if errors.As(err, new(*badHash)) {
		err = errors.Join(err, d.root.Remove(part))
	}
	if err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), d.root.Rename(part, d.blob())); err != nil {
		return fmt.Errorf("download %s: %w", d.name, err)
	}
	return nil
}

func (d *download) complete(ctx context.Context, file *os.File) error {
	err := d.client.retry(ctx, downloadAttempts, func() (bool, error) { return d.attempt(ctx, file) })
	if err != nil {
		return err
	}
	return d.verify(ctx, file)
}

// badHash is a file that is not what the hub says it is.
type badHash struct{ err *UnreachableError }

func (e *badHash) Error() string { return e.err.Error() }
func (e *badHash) Unwrap() error { return e.err }

// attempt asks for what is missing and reports whether any byte came.
func (d *download) attempt(ctx context.Context, file *os.File) (bool, error) {
	have, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return false, fmt.Errorf("download %s: %w", d.name, err)
	}
	if have > d.remote.size {
		have = 0
	}
	if have == d.remote.size && have > 0 {
		return false, nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	header := http.Header{}
	if have > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	answer, err := d.client.do(ctx, http.MethodGet, d.client.address(d.ref, d.commit, d.name), header)
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	if have, err = d.start(answer, have); err != nil {
		return false, err
	}
	timer := time.AfterFunc(stallTimeout, func() { cancel(errStalled) })
	defer timer.Stop()
	return d.copy(file, have, &stallReader{body: answer.Body, timer: timer, ctx: ctx})
}

// start finds out from which byte the answer goes on.
func (d *download) start(answer *http.Response, have int64) (int64, error) {
	switch answer.StatusCode {
	case http.StatusOK:
		return 0, nil // all of it, whatever was asked for
	case http.StatusPartialContent:
		if !strings.HasPrefix(answer.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", have)) {
			return 0, &UnreachableError{Where: d.client.endpoint, What: "answered with another part of " + d.name + " than was asked for", Advice: adviceUnreachable}
		}
		return have, nil
	}
	return 0, d.client.explain(answer, d.ref)
}

// copy writes the body from byte have on. More than the size that the hub named is not
// taken.
func (d *download) copy(file *os.File, have int64, body io.Reader) (bool, error) {
	if err := file.Truncate(have); err != nil {
		return false, fmt.Errorf("download %s: %w", d.name, err)
	}
	out := &countingWriter{file: file, at: have, progress: d.progress}
	n, err := io.Copy(out, io.LimitReader(body, d.remote.size-have+1))
	if out.err != nil {
		return false, fmt.Errorf("download %s: %w", d.name, out.err)
	}
	if err == nil && have+n < d.remote.size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return n > 0, &retryError{err: fmt.Errorf("%s broke off: %w", d.name, err)}
	}
	return true, nil
}

// countingWriter tells an error of the disk from one of the network.
type countingWriter struct {
	file     *os.File
	at       int64
	progress func(done int64)
	err      error
}

func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.file.WriteAt(p, w.at)
	w.at += int64(n)
	w.err = err
	w.progress(w.at)
	return n, err
}

var errStalled = errors.New("nothing came for a minute")

// stallReader ends a connection on which nothing comes any more.
type stallReader struct {
	body  io.Reader
	timer *time.Timer
	ctx   context.Context
}

func (r *stallReader) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	r.timer.Reset(stallTimeout)
	if err != nil && errors.Is(context.Cause(r.ctx), errStalled) {
		err = errStalled
	}
	return n, err
}

// verify reads the whole file once more, so that a resumed one is checked as well.
func (d *download) verify(ctx context.Context, file *os.File) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("download %s: %w", d.name, err)
	}
	sum := d.remote.hash()
	n, err := io.Copy(sum, readerFunc(func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		return file.Read(p)
	}))
	if err != nil {
		return fmt.Errorf("check %s: %w", d.name, err)
	}
	if n != d.remote.size || hex.EncodeToString(sum.Sum(nil)) != d.remote.etag {
		return &badHash{&UnreachableError{
			Where:  d.client.endpoint,
			What:   fmt.Sprintf("%s of %s has not the hash that the hub names; it was dropped", d.name, d.ref.ID),
			Advice: "try again; if it happens again, do not use that mirror or proxy",
		}}
	}
	return nil
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
