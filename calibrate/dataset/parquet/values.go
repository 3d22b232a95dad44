package parquet

import (
	"encoding/binary"
	"fmt"
)

// value is one value of a leaf: numbers and truth values as bits, the others as bytes,
// which are valid until the next page.
type value struct {
	bits  uint64
	bytes []byte
}

// source hands out a page's values, those that are missing left out.
type source interface {
	next() (value, error)
}

// The encodings.
const (
	encodingPlain           = 0
	encodingOldDictionary   = 2
	encodingRuns            = 3
	encodingDeltas          = 5
	encodingDeltaLengths    = 6
	encodingDeltaBytes      = 7
	encodingDictionary      = 8
	encodingByteStreamSplit = 9
)

// newSource makes a decoder of a page's values.
func (c *column) newSource(encoding int, data []byte, values int) (source, error) {
	switch encoding {
	case encodingPlain:
		return &plainValues{data: data, physical: c.physical, length: c.length}, nil
	case encodingOldDictionary, encodingDictionary:
		if len(data) == 0 {
			return &indexed{indices: &runs{}, dictionary: c.dictionary}, nil
		}
		indices, err := newRuns(data[1:], int(data[0]))
		return &indexed{indices: indices, dictionary: c.dictionary}, err
	case encodingRuns:
		if c.physical != physicalBool || len(data) < 4 {
			return nil, fmt.Errorf("run lengths of values that are no truth values")
		}
		indices, err := newRuns(data[4:], 1)
		return &truths{indices}, err
	case encodingDeltas:
		if c.physical != physicalInt32 && c.physical != physicalInt64 {
			return nil, fmt.Errorf("differences of values that are no whole numbers")
		}
		d, err := newDeltas(data, values)
		return &differences{d}, err
	case encodingDeltaLengths, encodingDeltaBytes:
		return c.newDeltaBytes(encoding, data, values)
	case encodingByteStreamSplit:
		return c.newSplit(data, values)
	}
	return nil, fmt.Errorf("values in the unknown encoding %d", encoding)
}

// plainValues stand one after another.
type plainValues struct {
	data             []byte
	physical, length int
	bit              int // of truth values
}

func (p *plainValues) next() (value, error) {
	switch p.physical {
	case physicalBool:
		return p.truth()
	case physicalInt32, physicalFloat:
		b, err := p.take(4)
		if err != nil {
			return value{}, err
		}
		return value{bits: uint64(binary.LittleEndian.Uint32(b))}, nil
	case physicalInt64, physicalDouble:
		b, err := p.take(8)
		if err != nil {
			return value{}, err
		}
		return value{bits: binary.LittleEndian.Uint64(b)}, nil
	case physicalInt96:
		b, err := p.take(12)
		return value{bytes: b}, err
	case physicalFixed:
		b, err := p.take(p.length)
		return value{bytes: b}, err
	}
	size, err := p.take(4)
	if err != nil {
		return value{}, err
	}
	b, err := p.take(int(binary.LittleEndian.Uint32(size)))
	return value{bytes: b}, err
}

func (p *plainValues) truth() (value, error) {
	if len(p.data) == 0 {
		return value{}, errCut
	}
	v := value{bits: uint64(p.data[0] >> p.bit & 1)}
	if p.bit++; p.bit == 8 {
		p.data, p.bit = p.data[1:], 0
	}
	return v, nil
}

func (p *plainValues) take(n int) ([]byte, error) {
	if n < 0 || n > len(p.data) {
		return nil, errCut
	}
	out := p.data[:n:n]
	p.data = p.data[n:]
	return out, nil
}

// indexed are indices of a dictionary.
type indexed struct {
	indices    *runs
	dictionary []value
}

func (x *indexed) next() (value, error) {
	i, err := x.indices.next()
	if err != nil {
		return value{}, err
	}
	if i >= uint64(len(x.dictionary)) {
		return value{}, fmt.Errorf("the index %d of a dictionary of %d", i, len(x.dictionary))
	}
	return x.dictionary[i], nil
}

type truths struct{ runs *runs }

func (t *truths) next() (value, error) {
	v, err := t.runs.next()
	return value{bits: v}, err
}

type differences struct{ deltas *deltas }

func (d *differences) next() (value, error) {
	v, err := d.deltas.next()
	return value{bits: uint64(v)}, err
}

// deltaBytes are texts whose lengths stand before them, each beginning like the one
// before where there are prefixes.
type deltaBytes struct {
	prefixes *lengths // nil: none
	sizes    *lengths
	data     []byte
	last     []byte
}

// lengths reads the differences of lengths twice: once to find where they end.
type lengths struct{ deltas *deltas }

func newLengths(data []byte, values int) (*lengths, []byte, error) {
	ahead, err := newDeltas(data, values)
	if err != nil {
		return nil, nil, err
	}
	for ahead.left > 0 {
		if _, err := ahead.next(); err != nil {
			return nil, nil, err
		}
	}
	again, err := newDeltas(data, values)
	return &lengths{again}, ahead.rest(), err
}

func (c *column) newDeltaBytes(encoding int, data []byte, values int) (source, error) {
	if c.physical != physicalBytes && c.physical != physicalFixed {
		return nil, fmt.Errorf("lengths of values that are no bytes")
	}
	d := &deltaBytes{}
	var err error
	if encoding == encodingDeltaBytes {
		if d.prefixes, data, err = newLengths(data, values); err != nil {
			return nil, err
		}
	}
	d.sizes, d.data, err = newLengths(data, values)
	return d, err
}

func (d *deltaBytes) next() (value, error) {
	var prefix int64
	if d.prefixes != nil {
		var err error
		if prefix, err = d.prefixes.deltas.next(); err != nil {
			return value{}, err
		}
	}
	size, err := d.sizes.deltas.next()
	if err != nil {
		return value{}, err
	}
	if prefix < 0 || prefix > int64(len(d.last)) || size < 0 || size > int64(len(d.data)) {
		return value{}, errCut
	}
	out := d.data[:size:size]
	d.data = d.data[size:]
	if d.prefixes != nil {
		out = append(d.last[:prefix:prefix], out...)
		d.last = out
	}
	return value{bytes: out}, nil
}

// split has the first bytes of all values, then the second bytes, and so on.
type split struct {
	data         []byte
	width, n, at int
	asBytes      bool
}

func (c *column) newSplit(data []byte, values int) (source, error) {
	width := map[int]int{physicalInt32: 4, physicalFloat: 4, physicalInt64: 8, physicalDouble: 8, physicalFixed: c.length}[c.physical]
	if width <= 0 {
		return nil, fmt.Errorf("split bytes of values of no fixed size")
	}
	return &split{data: data, width: width, n: len(data) / width, asBytes: c.physical == physicalFixed}, nil
}

func (s *split) next() (value, error) {
	if s.at == s.n {
		return value{}, errCut
	}
	out := make([]byte, max(8, s.width))
	for i := range s.width {
		out[i] = s.data[i*s.n+s.at]
	}
	s.at++
	if s.asBytes {
		return value{bytes: out[:s.width]}, nil
	}
	return value{bits: binary.LittleEndian.Uint64(out)}, nil
}
