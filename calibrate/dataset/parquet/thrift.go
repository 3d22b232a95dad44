package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The types of Thrift's compact protocol.
const (
	typeTrue   = 1
	typeFalse  = 2
	typeByte   = 3
	typeI16    = 4
	typeI32    = 5
	typeI64    = 6
	typeDouble = 7
	typeBinary = 8
	typeList   = 9
	typeSet    = 10
	typeMap    = 11
	typeStruct = 12
)

// maxDepth is deeper than any schema's description.
const maxDepth = 32

// thrift reads values of the compact protocol. The first error stays, and every later
// value is zero.
type thrift struct {
	r     io.ByteReader
	left  int64 // bytes that may still be read
	depth int
	err   error
}

var errShort = errors.New("the description ends in the middle")

func (t *thrift) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

func (t *thrift) byte() byte {
	if t.err != nil {
		return 0
	}
	t.left--
	b, err := t.r.ReadByte()
	if err != nil || t.left < 0 {
		t.fail(errShort)
		return 0
	}
	return b
}

// ReadByte makes thrift the source of encoding/binary's varints.
func (t *thrift) ReadByte() (byte, error) {
	b := t.byte()
	return b, t.err
}

func (t *thrift) uvarint() uint64 {
	v, err := binary.ReadUvarint(t)
	if err != nil {
		t.fail(err)
		return 0
	}
	return v
}

// int reads a zig-zag number of 16, 32 or 64 bits.
func (t *thrift) int() int64 {
	v := t.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (t *thrift) text() string {
	n := t.uvarint()
	if t.err != nil || n > uint64(max(0, t.left)) {
		t.fail(errShort)
		return ""
	}
	out := make([]byte, 0, min(n, 4096))
	for range n {
		out = append(out, t.byte())
		if t.err != nil {
			return ""
		}
	}
	return string(out)
}

// list calls each for every element, which must read it.
func (t *thrift) list(each func(kind byte)) {
	head := t.byte()
	n := uint64(head >> 4)
	if n == 15 {
		n = t.uvarint()
	}
	t.elements(n, func() { each(head & 15) })
}

// elements calls read n times. Every element takes at least a byte, so a count beyond
// what is left is a lie.
func (t *thrift) elements(n uint64, read func()) {
	if n > uint64(max(0, t.left)) {
		t.fail(errShort)
	}
	for i := uint64(0); i < n && t.err == nil; i++ {
		read()
	}
}

// fields calls each for every field of a struct; it reports whether it read the value.
func (t *thrift) fields(each func(id int, kind byte) bool) {
	if t.depth++; t.depth > maxDepth {
		t.fail(fmt.Errorf("the description is nested deeper than %d", maxDepth))
	}
	defer func() { t.depth-- }()
	id := 0
	for t.err == nil {
		head := t.byte()
		kind := head & 15
		if kind == 0 {
			return
		}
		if step := int(head >> 4); step > 0 {
			id += step
		} else {
			id = int(t.int())
		}
		if !each(id, kind) {
			t.skip(kind)
		}
	}
}

// skip reads a value that nobody wants.
func (t *thrift) skip(kind byte) {
	switch kind {
	case typeTrue, typeFalse: // the type is the value
	case typeByte:
		t.byte()
	case typeI16, typeI32, typeI64:
		t.uvarint()
	case typeDouble:
		for range 8 {
			t.byte()
		}
	case typeBinary:
		t.text()
	case typeList, typeSet:
		t.list(t.skipElement)
	case typeMap:
		t.skipMap()
	case typeStruct:
		t.fields(func(int, byte) bool { return false })
	default:
		t.fail(fmt.Errorf("a value of the unknown type %d", kind))
	}
}

// skipElement is skip within a list, where a truth value takes a byte.
func (t *thrift) skipElement(kind byte) {
	if t.depth++; t.depth > maxDepth {
		t.fail(fmt.Errorf("the description is nested deeper than %d", maxDepth))
		return
	}
	defer func() { t.depth-- }()
	if kind == typeTrue || kind == typeFalse {
		kind = typeByte
	}
	t.skip(kind)
}

func (t *thrift) skipMap() {
	n := t.uvarint()
	if n == 0 || t.err != nil {
		return
	}
	kinds := t.byte()
	t.elements(n, func() {
		t.skipElement(kinds >> 4)
		t.skipElement(kinds & 15)
	})
}
