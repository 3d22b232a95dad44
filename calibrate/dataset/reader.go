package dataset

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// reader hands out records until io.EOF. After a badRecord error it can go on.
type reader interface {
	next() (record, error)
}

// jsonLines reads one JSON object a line.
type jsonLines struct {
	lines *lines
}

func (j *jsonLines) next() (record, error) {
	for {
		line, at, err := j.lines.next()
		if err != nil {
			return record{}, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		return object(at, bytes.Clone(line))
	}
}

// lines reads lines of bounded length, without their ends.
type lines struct {
	r     *bufio.Reader
	at    place
	limit int
	buf   []byte
}

func newLines(r *bufio.Reader, file string, limit int) *lines {
	return &lines{r: r, at: place{file: file, unit: "line"}, limit: limit}
}

// next returns a line that is valid until the next call.
func (l *lines) next() ([]byte, place, error) {
	l.buf = l.buf[:0]
	l.at.n++
	for {
		part, err := l.r.ReadSlice('\n')
		l.buf = append(l.buf, part...)
		if len(l.buf) > l.limit {
			return nil, l.at, tooLong(l.at, l.limit)
		}
		switch {
		case err == nil:
			return bytes.TrimRight(l.buf, "\r\n"), l.at, nil
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(l.buf) > 0:
			return bytes.TrimRight(l.buf, "\r\n"), l.at, nil
		default:
			return nil, l.at, err
		}
	}
}

func tooLong(at place, limit int) error {
	return refuse(at.String(), fmt.Sprintf("the record is longer than %d bytes", limit),
		"write one record a line, or raise --max-record")
}

// jsonArray reads the objects of one JSON list.
type jsonArray struct {
	dec    *json.Decoder
	budget *budget
	at     place
	opened bool
}

// budget ends a stream that goes on for too long without a record.
type budget struct {
	r           io.Reader
	left, limit int
}

var errBudget = errors.New("record too long")

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errBudget
	}
	n, err := b.r.Read(p[:min(len(p), 64<<10)])
	b.left -= n
	return n, err
}

func newJSONArray(r io.Reader, file string, limit int) *jsonArray {
	b := &budget{r: r, limit: limit}
	return &jsonArray{dec: json.NewDecoder(b), budget: b, at: place{file: file, unit: "element"}}
}

func (j *jsonArray) next() (record, error) {
	j.budget.left = j.budget.limit + 128<<10 // and what the decoder reads ahead
	if !j.opened {
		if t, err := j.dec.Token(); err != nil || t != json.Delim('[') {
			return record{}, refuse(j.at.String(), "not a JSON list of records", "write one JSON object a line (JSONL), or a list of objects")
		}
		j.opened = true
	}
	if !j.dec.More() {
		return record{}, j.end()
	}
	j.at.n++
	var raw json.RawMessage
	if err := j.dec.Decode(&raw); err != nil {
		return record{}, j.failed(err)
	}
	return object(j.at, raw)
}

// end tells a list that is closed from one that was cut off.
func (j *jsonArray) end() error {
	if _, err := j.dec.Token(); err != nil {
		return j.failed(err)
	}
	if _, err := j.dec.Token(); !errors.Is(err, io.EOF) {
		return refuse(j.at.String(), "something follows the end of the list", "keep one list a file")
	}
	return io.EOF
}

func (j *jsonArray) failed(err error) error {
	if errors.Is(err, errBudget) {
		return tooLong(j.at, j.budget.limit)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return refuse(j.at.String(), "the list ends in the middle", "the file is cut short; fetch it again")
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return refuse(j.at.String(), fmt.Sprintf("not valid JSON at byte %d: %v", syntax.Offset, err), "mend the file, or write one record a line and use --skip-bad")
	}
	return fmt.Errorf("dataset: %s: %w", j.at, err)
}
