package history

import (
	"encoding/binary"
	"fmt"
)

// Wire types of the protocol-buffer encoding.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// field is one field of a protocol-buffer message. Four messages of TensorBoard are
// read here, so the generated code of a whole framework is not linked for them.
type field struct {
	number  uint64
	wire    uint64
	varint  uint64
	fixed32 uint32
	bytes   []byte
}

// eachField calls do for every field of a message, in order.
func eachField(data []byte, do func(field) error) error {
	for len(data) > 0 {
		key, n := binary.Uvarint(data)
		if n <= 0 {
			return fmt.Errorf("a field's key is cut off")
		}
		data = data[n:]
		f := field{number: key >> 3, wire: key & 7}
		size, err := f.read(data)
		if err != nil {
			return err
		}
		data = data[size:]
		if err := do(f); err != nil {
			return err
		}
	}
	return nil
}

// read takes the field's value from the front of data and returns its size.
func (f *field) read(data []byte) (int, error) {
	switch f.wire {
	case wireVarint:
		value, n := binary.Uvarint(data)
		if n <= 0 {
			return 0, fmt.Errorf("field %d is cut off", f.number)
		}
		f.varint = value
		return n, nil
	case wireFixed64:
		if len(data) < 8 {
			return 0, fmt.Errorf("field %d is cut off", f.number)
		}
		f.bytes = data[:8]
		return 8, nil
	case wireFixed32:
		if len(data) < 4 {
			return 0, fmt.Errorf("field %d is cut off", f.number)
		}
		f.fixed32 = binary.LittleEndian.Uint32(data)
		return 4, nil
	case wireBytes:
		length, n := binary.Uvarint(data)
		if n <= 0 || length > uint64(len(data)-n) {
			return 0, fmt.Errorf("field %d is cut off", f.number)
		}
		f.bytes = data[n : n+int(length)]
		return n + int(length), nil
	}
	return 0, fmt.Errorf("field %d has wire type %d, which no writer uses", f.number, f.wire)
}
