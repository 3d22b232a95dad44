package safetensors

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"ftadvise/calibrate/safetensors/strictjson"
)

// maxHeaderBytes is the format's limit.
const maxHeaderBytes = 100_000_000

// metadataKey holds free text about the file; it names no tensor.
const metadataKey = "__metadata__"

// Tensor is one entry of a header.
type Tensor struct {
	Name   string
	DType  string // F32, F16, BF16, I32, ...
	Shape  []int64
	Offset int64 // from the start of the data
	Bytes  int64
}

// header is what stands before the data.
type header struct {
	tensors  []Tensor // sorted by offset
	metadata map[string]string
}

// parseHeader reads the JSON of a header, whose data are dataBytes long.
func parseHeader(text []byte, dataBytes int64) (*header, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("header is not valid UTF-8")
	}
	if len(text) == 0 || text[0] != '{' {
		return nil, errors.New("header does not start with {")
	}
	h := &header{}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := h.readEntries(dec); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if err := strictjson.End(dec); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if len(h.tensors) == 0 {
		return nil, errors.New("holds no tensor")
	}
	return h, checkPlaces(h.tensors, dataBytes)
}

func (h *header) readEntries(dec *json.Decoder) error {
	return strictjson.Object(dec, func(name string) error {
		if name == metadataKey {
			return h.readMetadata(dec)
		}
		t, err := readTensor(dec, name)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		h.tensors = append(h.tensors, t)
		return nil
	})
}

func (h *header) readMetadata(dec *json.Decoder) error {
	h.metadata = map[string]string{}
	return strictjson.Object(dec, func(key string) error {
		value, err := dec.Token()
		if err != nil {
			return err
		}
		text, ok := value.(string)
		if !ok {
			return fmt.Errorf("%s: the value of %q is no string", metadataKey, key)
		}
		h.metadata[key] = text
		return nil
	})
}

// readTensor reads one entry; fields that the format does not know are passed over.
func readTensor(dec *json.Decoder, name string) (Tensor, error) {
	t := Tensor{Name: name}
	var ends []int64
	seen := map[string]bool{}
	err := strictjson.Object(dec, func(key string) (err error) {
		seen[key] = true
		switch key {
		case "dtype":
			err = dec.Decode(&t.DType)
		case "shape":
			t.Shape, err = readSizes(dec, key)
		case "data_offsets":
			ends, err = readSizes(dec, key)
		default:
			var ignored json.RawMessage
			err = dec.Decode(&ignored)
		}
		return err
	})
	if err != nil {
		return t, err
	}
	return t, t.place(ends, seen)
}

// place checks an entry by itself and fills Offset and Bytes.
func (t *Tensor) place(ends []int64, seen map[string]bool) error {
	for _, key := range []string{"dtype", "shape", "data_offsets"} {
		if !seen[key] {
			return fmt.Errorf("%s is missing", key)
		}
	}
	if elementBits(t.DType) == 0 {
		return fmt.Errorf("dtype %q is not supported", t.DType)
	}
	if len(ends) != 2 || ends[0] > ends[1] {
		return fmt.Errorf("data_offsets %v are no begin and end", ends)
	}
	t.Offset, t.Bytes = ends[0], ends[1]-ends[0]
	want, ok := byteLength(t.DType, t.Shape)
	if !ok {
		return fmt.Errorf("shape %v of %s has no size in bytes", t.Shape, t.DType)
	}
	if want != t.Bytes {
		return fmt.Errorf("shape %v of %s takes %d bytes, data_offsets give %d", t.Shape, t.DType, want, t.Bytes)
	}
	return nil
}

// readSizes reads an array of whole numbers from 0 on.
func readSizes(dec *json.Decoder, field string) ([]int64, error) {
	if err := strictjson.Expect(dec, '['); err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	sizes := []int64{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		number, ok := token.(json.Number)
		if !ok {
			return nil, fmt.Errorf("%s holds %v, which is no number", field, token)
		}
		n, err := strconv.ParseUint(number.String(), 10, 63)
		if err != nil {
			return nil, fmt.Errorf("%s holds %s, which is no size", field, number)
		}
		sizes = append(sizes, int64(n))
	}
	return sizes, strictjson.Expect(dec, ']')
}

// checkPlaces sorts the tensors by offset and checks that they fill the data with no
// hole, no overlap and nothing after the last: anything else could hide a second file.
func checkPlaces(tensors []Tensor, dataBytes int64) error {
	slices.SortStableFunc(tensors, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Bytes, b.Bytes))
	})
	var end int64
	for _, t := range tensors {
		if t.Offset < end {
			return fmt.Errorf("tensor %q overlaps the one before it by %d bytes", t.Name, end-t.Offset)
		}
		if t.Offset > end {
			return fmt.Errorf("a hole of %d bytes before tensor %q", t.Offset-end, t.Name)
		}
		end = t.Offset + t.Bytes
	}
	if end > dataBytes {
		return &truncated{want: end, have: dataBytes}
	}
	if end < dataBytes {
		return fmt.Errorf("%d bytes after the last tensor", dataBytes-end)
	}
	return nil
}

// truncated tells a file that ends too early from other damage: a download helps.
type truncated struct{ want, have int64 }

func (t *truncated) Error() string {
	return fmt.Sprintf("truncated: %d of %d bytes of data are there", t.have, t.want)
}
