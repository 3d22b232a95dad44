package parquet

import (
	"bytes"
	"fmt"
	"slices"
)

// The physical types.
const (
	physicalBool = iota
	physicalInt32
	physicalInt64
	physicalInt96
	physicalFloat
	physicalDouble
	physicalBytes
	physicalFixed
)

// The repetition types.
const (
	required = iota
	optional
	repeated
)

// element is an entry of the schema, depth first.
type element struct {
	physical   int
	length     int // of physicalFixed, bytes
	repetition int
	name       string
	children   int
	meaning    meaning
}

// meaning is what the numbers or bytes of a leaf stand for, or what a group is.
type meaning struct {
	kind     kind
	scale    int  // of a decimal
	unsigned bool // of a whole number
	unit     int  // of a time: 1 milli-, 2 micro-, 3 nanoseconds
}

type kind int

const (
	plain kind = iota
	text
	list
	mapping
	decimal
	date
	timeOfDay
	timestamp
	whole
	half
	uuid
	interval
)

// converted is a ConvertedType of older writers.
func converted(n int64) meaning {
	switch n {
	case 0, 4, 19:
		return meaning{kind: text}
	case 1, 2:
		return meaning{kind: mapping}
	case 3:
		return meaning{kind: list}
	case 5:
		return meaning{kind: decimal}
	case 6:
		return meaning{kind: date}
	case 7, 8:
		return meaning{kind: timeOfDay, unit: int(n) - 6}
	case 9, 10:
		return meaning{kind: timestamp, unit: int(n) - 8}
	case 11, 12, 13, 14:
		return meaning{kind: whole, unsigned: true}
	case 15, 16, 17, 18:
		return meaning{kind: whole}
	case 21:
		return meaning{kind: interval}
	}
	return meaning{}
}

// logical reads a LogicalType, a union whose field says which.
func (t *thrift) logical() meaning {
	var m meaning
	t.fields(func(id int, kind byte) bool {
		if kind != typeStruct {
			return false
		}
		switch id {
		case 1, 4, 12:
			m.kind = text
		case 2:
			m.kind = mapping
		case 3:
			m.kind = list
		case 5:
			m.kind = decimal
		case 6:
			m.kind = date
		case 7:
			m.kind = timeOfDay
		case 8:
			m.kind = timestamp
		case 10:
			m.kind, m.unsigned = whole, true
		case 14:
			m.kind = uuid
		case 15:
			m.kind = half
		}
		t.fields(func(field int, kind byte) bool { return t.detail(&m, field, kind) })
		return true
	})
	return m
}

// detail reads what a logical type says beyond its name.
func (t *thrift) detail(m *meaning, field int, kind byte) bool {
	switch {
	case m.kind == decimal && field == 1 && kind == typeI32:
		m.scale = int(t.int())
		return true
	case m.kind == whole && field == 2:
		m.unsigned = kind == typeFalse
	case (m.kind == timestamp || m.kind == timeOfDay) && field == 2 && kind == typeStruct:
		t.fields(func(unit int, _ byte) bool {
			m.unit = unit
			return false
		})
		return true
	}
	return false
}

func (t *thrift) element() element {
	e := element{physical: -1}
	var old meaning
	scale := 0
	t.fields(func(id int, kind byte) bool {
		switch {
		case kind == typeBinary && id == 4:
			e.name = t.text()
		case kind == typeStruct && id == 10:
			e.meaning = t.logical()
		case kind != typeI32:
			return false
		case id == 1:
			e.physical = int(t.int())
		case id == 2:
			e.length = int(t.int())
		case id == 3:
			e.repetition = int(t.int())
		case id == 5:
			e.children = int(t.int())
		case id == 6:
			old = converted(t.int())
		case id == 7:
			scale = int(t.int())
		default:
			return false
		}
		return true
	})
	if e.meaning.kind == plain {
		e.meaning = old
		e.meaning.scale = scale
	}
	return e
}

// chunk is where a column's pages of one row group lie.
type chunk struct {
	physical, codec        int
	values                 int64
	packed                 int64 // bytes of all pages with their headers
	dataOffset, dictOffset int64
	elsewhere              bool // in another file
	encrypted              bool
}

type group struct {
	chunks []chunk
	rows   int64
}

type footer struct {
	schema []element
	groups []group
	notes  map[string]string
}

func readFooter(data []byte) (footer, error) {
	f := footer{notes: map[string]string{}}
	t := &thrift{r: bytes.NewReader(data), left: int64(len(data))}
	t.fields(func(id int, kind byte) bool {
		if kind != typeList {
			return false
		}
		switch id {
		case 2:
			t.list(func(byte) { f.schema = append(f.schema, t.element()) })
		case 4:
			t.list(func(byte) { f.groups = append(f.groups, t.group()) })
		case 5:
			t.list(func(byte) {
				key, value := t.note()
				f.notes[key] = value
			})
		default:
			return false
		}
		return true
	})
	return f, t.err
}

func (t *thrift) note() (key, value string) {
	t.fields(func(id int, kind byte) bool {
		switch {
		case kind == typeBinary && id == 1:
			key = t.text()
		case kind == typeBinary && id == 2:
			value = t.text()
		default:
			return false
		}
		return true
	})
	return key, value
}

func (t *thrift) group() group {
	var g group
	t.fields(func(id int, kind byte) bool {
		switch {
		case id == 1 && kind == typeList:
			t.list(func(byte) { g.chunks = append(g.chunks, t.chunk()) })
		case id == 3 && kind == typeI64:
			g.rows = t.int()
		default:
			return false
		}
		return true
	})
	return g
}

func (t *thrift) chunk() chunk {
	var c chunk
	t.fields(func(id int, kind byte) bool {
		switch {
		case id == 1 && kind == typeBinary:
			c.elsewhere = t.text() != ""
		case id == 3 && kind == typeStruct:
			t.fields(func(id int, kind byte) bool { return t.chunkField(&c, id, kind) })
		case id == 8:
			c.encrypted = true
			return false
		default:
			return false
		}
		return true
	})
	return c
}

func (t *thrift) chunkField(c *chunk, id int, kind byte) bool {
	if !slices.Contains([]byte{typeI32, typeI64}, kind) {
		return false
	}
	v := t.int()
	switch id {
	case 1:
		c.physical = int(v)
	case 4:
		c.codec = int(v)
	case 5:
		c.values = v
	case 7:
		c.packed = v
	case 9:
		c.dataOffset = v
	case 11:
		c.dictOffset = v
	}
	return true
}

// The types of pages.
const (
	dataPage       = 0
	dictionaryPage = 2
	dataPageV2     = 3
)

// pageHeader stands before a page.
type pageHeader struct {
	kind             int
	unpacked, packed int
	values           int
	encoding         int
	defEncoding      int // of version 1
	repEncoding      int
	repBytes         int // of version 2, which has its levels apart and not packed
	defBytes         int
	bare             bool // version 2 whose values are not packed
}

func (t *thrift) pageHeader() (pageHeader, error) {
	var h pageHeader
	t.fields(func(id int, kind byte) bool {
		switch {
		case kind == typeI32 && id >= 1 && id <= 3:
			*[]*int{&h.kind, &h.unpacked, &h.packed}[id-1] = int(t.int())
		case kind == typeStruct && (id == 5 || id == 7):
			t.fields(func(id int, kind byte) bool {
				return t.small(id, kind, &h.values, &h.encoding, &h.defEncoding, &h.repEncoding)
			})
		case kind == typeStruct && id == 8:
			var nulls, rows int
			t.fields(func(id int, kind byte) bool {
				if id == 7 {
					h.bare = kind == typeFalse
				}
				return t.small(id, kind, &h.values, &nulls, &rows, &h.encoding, &h.defBytes, &h.repBytes)
			})
		default:
			return false
		}
		return true
	})
	if t.err == nil && (h.unpacked < 0 || h.packed < 0 || h.values < 0 || h.repBytes < 0 || h.defBytes < 0) {
		t.fail(fmt.Errorf("a page of negative size"))
	}
	return h, t.err
}

// small reads the field id, counted from 1, into its place.
func (t *thrift) small(id int, kind byte, into ...*int) bool {
	if kind != typeI32 || id < 1 || id > len(into) {
		return false
	}
	*into[id-1] = int(t.int())
	return true
}
