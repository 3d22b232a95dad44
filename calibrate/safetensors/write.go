package safetensors

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/google/renameio/v2"
)

// Source is a tensor to write: Data are its values, little-endian and row-major.
type Source struct {
	Name  string
	DType string
	Shape []int64
	Data  []byte
	// Int32s are the values of an I32 tensor instead of Data, for whoever has them as
	// such: no second copy of them is made.
	Int32s []int32
}

// Write makes the file at path from tensors and free text. The file is either whole
// or not there: it is written beside path and renamed when it is on the disk.
func Write(path string, tensors []Source, metadata map[string]string) error {
	header, sorted, err := encodeHeader(tensors, metadata)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	pending, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o644))
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer pending.Cleanup() // of no effect after the rename
	if err := writeAll(pending, header, sorted); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := pending.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func writeAll(w io.Writer, header []byte, tensors []Source) error {
	out := bufio.NewWriterSize(w, 1<<20)
	if _, err := out.Write(header); err != nil {
		return err
	}
	for _, t := range tensors {
		if _, err := out.Write(t.Data); err != nil {
			return err
		}
		for _, v := range t.Int32s {
			if _, err := out.Write(binary.LittleEndian.AppendUint32(out.AvailableBuffer(), uint32(v))); err != nil {
				return err
			}
		}
	}
	return out.Flush()
}

// size is the length of the values in bytes.
func (s Source) size() int64 { return int64(len(s.Data)) + 4*int64(len(s.Int32s)) }

// encodeHeader returns the length and header as they stand in the file, and the
// tensors in their order: larger elements first, which keeps each aligned, then by name.
func encodeHeader(tensors []Source, metadata map[string]string) ([]byte, []Source, error) {
	sorted := slices.Clone(tensors)
	slices.SortFunc(sorted, func(a, b Source) int {
		return cmp.Or(cmp.Compare(elementBits(b.DType), elementBits(a.DType)), cmp.Compare(a.Name, b.Name))
	})
	text := bytes.NewBufferString("{")
	if len(metadata) > 0 {
		if err := writeEntry(text, metadataKey, metadata); err != nil {
			return nil, nil, err
		}
	}
	var offset int64
	seen := map[string]bool{metadataKey: true}
	for _, t := range sorted {
		if err := t.check(seen); err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		end := offset + t.size()
		entry := entryJSON{t.DType, append([]int64{}, t.Shape...), [2]int64{offset, end}}
		if err := writeEntry(text, t.Name, entry); err != nil {
			return nil, nil, err
		}
		offset = end
	}
	text.WriteByte('}')
	for text.Len()%8 != 0 {
		text.WriteByte(' ')
	}
	length := binary.LittleEndian.AppendUint64(nil, uint64(text.Len()))
	return append(length, text.Bytes()...), sorted, nil
}

type entryJSON struct {
	DType   string   `json:"dtype"`
	Shape   []int64  `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

func writeEntry(text *bytes.Buffer, key string, value any) error {
	name, err := json.Marshal(key)
	if err != nil {
		return err
	}
	entry, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if text.Len() > 1 {
		text.WriteByte(',')
	}
	text.Write(name)
	text.WriteByte(':')
	text.Write(entry)
	return nil
}

// check refuses what the reader would refuse.
func (s Source) check(seen map[string]bool) error {
	if seen[s.Name] {
		return fmt.Errorf("stands there twice, or has a reserved name")
	}
	seen[s.Name] = true
	want, ok := byteLength(s.DType, s.Shape)
	if elementBits(s.DType) == 0 || !ok {
		return fmt.Errorf("dtype %q with shape %v has no size", s.DType, s.Shape)
	}
	if len(s.Int32s) > 0 && (s.DType != "I32" || len(s.Data) > 0) {
		return fmt.Errorf("whole numbers of 32 bits as %s", s.DType)
	}
	if want != s.size() {
		return fmt.Errorf("shape %v of %s takes %d bytes, %d were given", s.Shape, s.DType, want, s.size())
	}
	return nil
}
