package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// The codecs.
const (
	codecNone   = 0
	codecSnappy = 1
	codecGzip   = 2
	codecBrotli = 4
	codecHadoop = 5 // LZ4 as Hadoop frames it
	codecZstd   = 6
	codecLZ4    = 7
)

// Pages are about a megabyte; one of more than this is no page.
const maxPageBytes = 128 << 20

// unpack returns a page's bytes, which must be as many as its header says. No more is
// allocated than the packed bytes can have come from.
func unpack(codec int, packed []byte, size int) ([]byte, error) {
	if size > maxPageBytes {
		return nil, fmt.Errorf("a page of %d bytes", size)
	}
	out, err := unpackBy(codec, packed, size)
	if err != nil {
		return nil, err
	}
	if len(out) != size {
		return nil, fmt.Errorf("a page of %d bytes that is to have %d", len(out), size)
	}
	return out, nil
}

func unpackBy(codec int, packed []byte, size int) ([]byte, error) {
	switch codec {
	case codecNone:
		return packed, nil
	case codecSnappy:
		if n, err := snappy.DecodedLen(packed); err != nil || n != size || n > 64*len(packed)+64 {
			return nil, errors.Join(err, fmt.Errorf("a page of snappy that does not unpack to its %d bytes", size))
		}
		return snappy.Decode(nil, packed)
	case codecGzip:
		r, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil, err
		}
		return drain(r, size+1)
	case codecBrotli:
		return drain(brotli.NewReader(bytes.NewReader(packed)), size+1)
	case codecZstd:
		r, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPageBytes))
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return drain(r, size+1)
	case codecHadoop:
		if out, err := unpackHadoop(packed, size); err == nil {
			return out, nil
		}
		return unpackLZ4(packed, size) // some writers left the frame out
	case codecLZ4:
		return unpackLZ4(packed, size)
	}
	return nil, fmt.Errorf("pages in the unknown packing %d", codec)
}

// drain reads at most so many bytes, growing as they come.
func drain(r io.Reader, most int) ([]byte, error) {
	var out bytes.Buffer
	_, err := io.Copy(&out, io.LimitReader(r, int64(most)))
	return out.Bytes(), err
}

func unpackLZ4(packed []byte, size int) ([]byte, error) {
	if size > 255*len(packed)+64 {
		return nil, fmt.Errorf("%d bytes of LZ4 cannot be %d", len(packed), size)
	}
	out := make([]byte, size)
	n, err := lz4.UncompressBlock(packed, out)
	return out[:max(0, n)], err
}

// unpackHadoop reads blocks with their two sizes before them.
func unpackHadoop(packed []byte, size int) ([]byte, error) {
	var out []byte
	for len(packed) > 0 {
		if len(packed) < 8 {
			return nil, errCut
		}
		whole, part := binary.BigEndian.Uint32(packed), binary.BigEndian.Uint32(packed[4:])
		packed = packed[8:]
		if uint64(part) > uint64(len(packed)) || uint64(whole)+uint64(len(out)) > uint64(size) {
			return nil, errCut
		}
		block, err := unpackLZ4(packed[:part], int(whole))
		if err != nil {
			return nil, err
		}
		out, packed = append(out, block...), packed[part:]
	}
	return out, nil
}
