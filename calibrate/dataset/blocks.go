package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// textBlocks cuts a plain text into blocks at line ends, so that a text of any size
// can be sampled. Blocks that turn out to be neighbours are joined again.
type textBlocks struct {
	r     *bufio.Reader
	at    place // line at which the block begins
	size  int
	lines int64 // line ends so far
}

const (
	peekBytes     = 1 << 20
	blocksAFile   = 128 // at least, so that a small text can be split finely
	smallestBlock = 256
	largestBlock  = 4 << 10
)

// newTextBlocks needs a reader whose buffer holds peekBytes: a text that ends
// within it is cut into about blocksAFile blocks.
func newTextBlocks(r *bufio.Reader, file string) *textBlocks {
	head, _ := r.Peek(peekBytes)
	size := min(max(len(head)/blocksAFile, smallestBlock), largestBlock)
	return &textBlocks{r: r, at: place{file: file, unit: "line"}, size: size}
}

func (t *textBlocks) next() (record, error) {
	data, err := t.r.Peek(t.size)
	if err != nil && !errors.Is(err, io.EOF) {
		return record{}, err
	}
	if len(data) == 0 {
		return record{}, io.EOF
	}
	if len(data) == t.size {
		data = data[:blockEnd(data)]
	}
	t.at.n = t.lines + 1
	if err := t.check(data); err != nil {
		return record{}, err
	}
	text := string(data)
	t.lines += int64(bytes.Count(data, []byte("\n")))
	if _, err := t.r.Discard(len(text)); err != nil {
		return record{}, fmt.Errorf("dataset: %w", err)
	}
	return record{at: t.at, fields: []field{{"text", text}}, bytes: int64(len(text))}, nil
}

// blockEnd cuts after the last line, else the last space, else the last character.
func blockEnd(data []byte) int {
	half := len(data) / 2
	for _, sep := range []byte{'\n', ' '} {
		if i := bytes.LastIndexByte(data[half:], sep); i >= 0 {
			return half + i + 1
		}
	}
	end := len(data)
	for end > half && !utf8.RuneStart(data[end-1]) {
		end--
	}
	return max(end-1, half)
}

func (t *textBlocks) check(data []byte) error {
	at := t.at
	for line := range bytes.Lines(data) {
		if bytes.IndexByte(line, 0) >= 0 {
			return refuse(at.String(), "a NUL byte: this is not text", "give text, JSONL, JSON, CSV, TSV or Parquet")
		}
		if !utf8.Valid(line) {
			var b badRecord
			if errors.As(notUTF8(at, line), &b) {
				return b.cause
			}
		}
		at.n++
	}
	return nil
}
