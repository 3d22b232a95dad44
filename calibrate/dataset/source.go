package dataset

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
	"time"

	kgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// source is one file of the data, or standard input.
type source struct {
	path  string // - for standard input
	stdin io.Reader
	size  int64
	mtime time.Time
}

func newSource(path string, info os.FileInfo) source {
	return source{path: path, size: info.Size(), mtime: info.ModTime()}
}

// stream is an open source: its text, unpacked, without a byte-order mark.
type stream struct {
	*bufio.Reader
	closers []func() error
	packed  *counter
	bare    *counter // what came out of the unpacking
	digest  hash.Hash
	source  source
	kind    packing
}

type packing string

const (
	notPacked packing = ""
	gzipped   packing = "gzip"
	zstandard packing = "zstd"
)

// counter counts what is read, hashes it, and stops a bomb.
type counter struct {
	r      io.Reader
	n      int64
	digest hash.Hash
	limit  func(n int64) error
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.digest != nil {
		c.digest.Write(p[:n])
	}
	if c.limit != nil {
		if limit := c.limit(c.n); limit != nil {
			return n, limit
		}
	}
	return n, err
}

// Text packs to a tenth, rows that repeat to a hundredth; a bomb to a thousandth.
const (
	bombRatio = 250
	bombBytes = 64 << 20
)

func (s source) open() (*stream, error) {
	st := &stream{source: s, digest: sha256.New()}
	raw := s.stdin
	if raw == nil {
		f, err := os.Open(s.path)
		if err != nil {
			return nil, fmt.Errorf("dataset: %w", err)
		}
		st.closers = append(st.closers, f.Close)
		raw = f
	}
	st.packed = &counter{r: raw}
	head := bufio.NewReaderSize(st.packed, 64<<10)
	unpacked, err := st.unpack(head)
	if err != nil {
		st.Close()
		return nil, err
	}
	st.bare = &counter{r: unpacked, digest: st.digest, limit: st.bomb}
	st.Reader = bufio.NewReaderSize(st.bare, peekBytes)
	if bom, _ := st.Peek(3); bytes.Equal(bom, []byte("\xEF\xBB\xBF")) {
		if _, err := st.Discard(3); err != nil {
			st.Close()
			return nil, st.readError(err)
		}
	}
	return st, nil
}

func (st *stream) unpack(head *bufio.Reader) (io.Reader, error) {
	magic, _ := head.Peek(4)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		st.kind = gzipped
		z, err := kgzip.NewReader(head)
		if err != nil {
			return nil, st.cut(err)
		}
		st.closers = append(st.closers, z.Close)
		return z, nil
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		st.kind = zstandard
		z, err := zstd.NewReader(head, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			return nil, st.cut(err)
		}
		st.closers = append(st.closers, func() error { z.Close(); return nil })
		return z, nil
	}
	return head, nil
}

func (st *stream) bomb(n int64) error {
	if st.kind == notPacked || n < bombBytes || n/bombRatio < st.packed.n {
		return nil
	}
	return refuse(st.source.path, fmt.Sprintf("%d packed bytes have become %d and go on: not a text", st.packed.n, n),
		"unpack the file yourself if it is what it should be")
}

// cut words an error of the unpacking.
func (st *stream) cut(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return refuse(st.source.path, fmt.Sprintf("the %s file ends in the middle", st.kind), "the file is cut short; fetch it again")
	}
	if errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, zstd.ErrCRCMismatch) || errors.Is(err, zstd.ErrMagicMismatch) {
		return refuse(st.source.path, fmt.Sprintf("the %s file is damaged: %v", st.kind, err), "fetch the file again")
	}
	return fmt.Errorf("dataset: %s: %w", st.source.path, err)
}

// finish reads what a reader left over, so that the fingerprint covers all, and
// refuses a file that changed under the reading.
func (st *stream) finish() (string, error) {
	if _, err := io.Copy(io.Discard, st.Reader); err != nil {
		return "", st.readError(err)
	}
	if err := st.source.unchanged(); err != nil {
		return "", err
	}
	return hex.EncodeToString(st.digest.Sum(nil)), nil
}

// readError words an error that came out of the stream.
func (st *stream) readError(err error) error {
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	if st.kind != notPacked {
		return st.cut(err)
	}
	return fmt.Errorf("dataset: read %s: %w", st.source.path, err)
}

func (s source) unchanged() error {
	if s.stdin != nil {
		return nil
	}
	info, err := os.Stat(s.path)
	if err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	if info.Size() != s.size || !info.ModTime().Equal(s.mtime) {
		return refuse(s.path, "the file changed while it was read", "wait until it is written, then start again")
	}
	return nil
}

// Close releases the file. It was only read, so a failure loses nothing.
func (st *stream) Close() {
	for i := len(st.closers) - 1; i >= 0; i-- {
		_ = st.closers[i]()
	}
}

// baseName is the path without the ending that says how it is packed.
func (s source) baseName() string {
	name := strings.ToLower(s.path)
	for _, ending := range []string{".gz", ".zst", ".zstd"} {
		name = strings.TrimSuffix(name, ending)
	}
	return name
}
