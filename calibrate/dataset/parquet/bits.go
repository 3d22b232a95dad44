package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var errCut = errors.New("a page ends in the middle")

// runs decodes the hybrid of run lengths and packed bits in which levels, indices of a
// dictionary and truth values are written.
type runs struct {
	data   []byte
	width  int    // bits of a value
	left   uint64 // of the current run
	value  uint64 // repeated
	packed bool
	bits   bitReader
}

func newRuns(data []byte, width int) (*runs, error) {
	if width < 0 || width > 32 {
		return nil, fmt.Errorf("values of %d bits", width)
	}
	return &runs{data: data, width: width}, nil
}

func (r *runs) next() (uint64, error) {
	for r.left == 0 {
		if err := r.begin(); err != nil {
			return 0, err
		}
	}
	r.left--
	if r.packed {
		return r.bits.next(r.width)
	}
	return r.value, nil
}

func (r *runs) begin() error {
	if r.width == 0 && len(r.data) == 0 { // a dictionary of one value may have no runs
		r.left, r.value, r.packed = 1, 0, false
		return nil
	}
	head, n := binary.Uvarint(r.data)
	if n <= 0 {
		return errCut
	}
	r.data = r.data[n:]
	if r.packed = head&1 == 1; r.packed {
		r.left = head >> 1 * 8
		size := min(head>>1*uint64(r.width), uint64(len(r.data))) // the last may be cut short
		r.bits = bitReader{data: r.data[:size]}
		r.data = r.data[size:]
		return nil
	}
	r.left = head >> 1
	size := (r.width + 7) / 8
	if len(r.data) < size {
		return errCut
	}
	r.value = 0
	for i, b := range r.data[:size] {
		r.value |= uint64(b) << (8 * i)
	}
	r.data = r.data[size:]
	return nil
}

// bitReader reads numbers of few bits, the lowest bits of a byte first.
type bitReader struct {
	data []byte
	have uint64
	n    int // bits in have
}

func (b *bitReader) next(width int) (uint64, error) {
	if width > 32 {
		low, err := b.next(32)
		if err != nil {
			return 0, err
		}
		high, err := b.next(width - 32)
		return high<<32 | low, err
	}
	for b.n < width {
		if len(b.data) == 0 {
			return 0, errCut
		}
		b.have |= uint64(b.data[0]) << b.n
		b.data = b.data[1:]
		b.n += 8
	}
	v := b.have & (1<<width - 1)
	b.have >>= width
	b.n -= width
	return v, nil
}

// highBits reads the old packing of levels, the highest bits of a byte first.
type highBits struct {
	data  []byte
	width int
	at    int // bits
}

func (h *highBits) next() (uint64, error) {
	var v uint64
	for range h.width {
		if h.at/8 >= len(h.data) {
			return 0, errCut
		}
		v = v<<1 | uint64(h.data[h.at/8]>>(7-h.at%8)&1)
		h.at++
	}
	return v, nil
}

// maxDeltas is more values than any writer puts into a page.
const maxDeltas = 1 << 26

// deltas decodes DELTA_BINARY_PACKED: blocks of differences, each block with a least
// difference, its miniblocks with a width each.
type deltas struct {
	data   []byte
	mini   int // miniblocks a block
	size   int // values a miniblock
	left   uint64
	first  bool
	value  int64
	least  int64
	widths []byte
	bits   bitReader
	inMini int // values left in the miniblock
}

func newDeltas(data []byte, values int) (*deltas, error) {
	d := &deltas{data: data, first: true}
	block, mini := d.uvarint(), d.uvarint()
	d.left = d.uvarint()
	d.value = d.varint()
	if d.data == nil || block == 0 || block > 1<<20 || mini == 0 || mini > 512 || block%mini != 0 || block/mini%32 != 0 || d.left > uint64(min(values, maxDeltas)) {
		return nil, fmt.Errorf("blocks of differences of %d values in %d parts", block, mini)
	}
	d.mini, d.size = int(mini), int(block/mini)
	return d, nil
}

// uvarint leaves no data where there was none.
func (d *deltas) uvarint() uint64 {
	v, n := binary.Uvarint(d.data)
	if n <= 0 {
		d.data = nil
		return 0
	}
	d.data = d.data[n:]
	if d.data == nil {
		d.data = []byte{}
	}
	return v
}

func (d *deltas) varint() int64 {
	v := d.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (d *deltas) next() (int64, error) {
	if d.left == 0 {
		return 0, errCut
	}
	d.left--
	if d.first {
		d.first = false
		return d.value, nil
	}
	if d.inMini == 0 {
		if err := d.begin(); err != nil {
			return 0, err
		}
	}
	d.inMini--
	difference, err := d.bits.next(int(d.widths[0]))
	d.value += d.least + int64(difference)
	if d.inMini == 0 {
		d.widths = d.widths[1:]
	}
	return d.value, err
}

// begin starts a miniblock, and a block before it where that is due.
func (d *deltas) begin() error {
	if len(d.widths) == 0 {
		d.least = d.varint()
		if len(d.data) < d.mini {
			return errCut
		}
		d.widths, d.data = d.data[:d.mini], d.data[d.mini:]
	}
	if d.widths[0] > 64 {
		return fmt.Errorf("differences of %d bits", d.widths[0])
	}
	size := min(int(d.widths[0])*d.size/8, len(d.data)) // the last may be cut short
	d.bits = bitReader{data: d.data[:size]}
	d.data = d.data[size:]
	d.inMini = d.size
	return nil
}

// rest is what follows once all was read. A last block may leave miniblocks unused,
// which have no data.
func (d *deltas) rest() []byte { return d.data }
