// Package jsonline writes and reads typed lines of JSON: one object a line, whose
// first member "type" says what the others are. The engine's protocol and a run's
// events.jsonl are made of them.
package jsonline

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxBytes is the longest line that Read accepts, its newline not counted.
const MaxBytes = 1 << 20

// ErrTooLong reports a line of more than MaxBytes.
var ErrTooLong = fmt.Errorf("line longer than %d bytes", MaxBytes)

// Encode returns body, which must be a JSON object, as one line of the given type
// with its newline. A number that JSON cannot hold is an error.
func Encode(kind string, body any) ([]byte, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("line of type %s: %w", kind, err)
	}
	if len(data) < 2 || data[0] != '{' {
		return nil, fmt.Errorf("line of type %s: not an object", kind)
	}
	line := fmt.Appendf(nil, `{"type":%q`, kind)
	if len(data) > 2 {
		line = append(line, ',')
	}
	line = append(append(line, data[1:]...), '\n')
	if len(line)-1 > MaxBytes {
		return nil, fmt.Errorf("line of type %s: %w", kind, ErrTooLong)
	}
	return line, nil
}

// Kind returns the type of a line.
func Kind(line []byte) (string, error) {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return "", err
	}
	if head.Type == "" {
		return "", errors.New(`no "type"`)
	}
	return head.Type, nil
}

// Read returns the next line without its newline, or io.EOF after the last. A line
// over MaxBytes gives its beginning with ErrTooLong; nothing can be read after it.
// The last line may lack its newline.
func Read(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > MaxBytes+1 {
			return line[:MaxBytes], ErrTooLong
		}
		switch {
		case err == nil:
			return bytes.TrimSuffix(line[:len(line)-1], []byte{'\r'}), nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return line, nil
		default:
			return line, err
		}
	}
}
