package parquet

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
)

// column reads one leaf of the schema through a row group, an entry at a time. An entry
// is a value, or says by its levels that there is none.
type column struct {
	name             string
	physical, length int
	maxDef, maxRep   int

	codec      int
	pages      *bufio.Reader
	left       int64 // entries of the row group still to come
	dictionary []value
	inPage     int // entries left in the page
	defs, reps numbers
	values     source

	peeked  bool
	current entry
}

type entry struct {
	def, rep int
	value    value
}

// numbers hands out small numbers.
type numbers interface{ next() (uint64, error) }

// zeros are levels of which there is but one.
type zeros struct{}

func (zeros) next() (uint64, error) { return 0, nil }

// begin turns to the next row group.
func (c *column) begin(r io.ReaderAt, size int64, ch chunk) error {
	start := ch.dataOffset
	if ch.dictOffset > 0 {
		start = min(start, ch.dictOffset)
	}
	switch {
	case ch.encrypted:
		return fmt.Errorf("column %s is encrypted", c.name)
	case ch.elsewhere:
		return fmt.Errorf("column %s lies in another file", c.name)
	case ch.physical != c.physical || ch.values < 0:
		return fmt.Errorf("column %s is not what the schema says", c.name)
	case start < 4 || ch.packed < 0 || start > size || ch.packed > size-start:
		return fmt.Errorf("column %s lies outside the file", c.name)
	}
	section := io.NewSectionReader(r, start, ch.packed)
	if c.pages == nil {
		c.pages = bufio.NewReaderSize(section, 64<<10)
	} else {
		c.pages.Reset(section)
	}
	c.codec, c.left, c.inPage, c.dictionary, c.peeked = ch.codec, ch.values, 0, nil, false
	return nil
}

// peek returns the entry to come; after the last one, one that begins a new record.
func (c *column) peek() (entry, error) {
	if c.peeked {
		return c.current, nil
	}
	if c.left == 0 {
		return entry{rep: 0, def: -1}, nil
	}
	for c.inPage == 0 {
		if err := c.nextPage(); err != nil {
			return entry{}, fmt.Errorf("column %s: %w", c.name, err)
		}
	}
	e, err := c.read()
	if err != nil {
		return entry{}, fmt.Errorf("column %s: %w", c.name, err)
	}
	c.current, c.peeked = e, true
	return e, nil
}

// take is peek that goes on.
func (c *column) take() (entry, error) {
	e, err := c.peek()
	if err == nil && !c.peeked {
		err = fmt.Errorf("column %s: %w", c.name, io.ErrUnexpectedEOF)
	}
	c.peeked = false
	return e, err
}

func (c *column) read() (entry, error) {
	c.inPage--
	c.left--
	rep, err := c.reps.next()
	if err != nil {
		return entry{}, err
	}
	def, err := c.defs.next()
	if err != nil {
		return entry{}, err
	}
	e := entry{def: int(def), rep: int(rep)}
	if e.def > c.maxDef || e.rep > c.maxRep {
		return e, fmt.Errorf("levels %d and %d of at most %d and %d", e.rep, e.def, c.maxRep, c.maxDef)
	}
	if e.def == c.maxDef {
		e.value, err = c.values.next()
	}
	return e, err
}

// maxPageHeader holds statistics, whose least and greatest value may be long.
const maxPageHeader = 16 << 20

func (c *column) nextPage() error {
	h, err := (&thrift{r: c.pages, left: maxPageHeader}).pageHeader()
	if err != nil {
		return err
	}
	body, err := drain(c.pages, h.packed)
	if err != nil {
		return err
	}
	if len(body) != h.packed {
		return errCut
	}
	switch h.kind {
	case dictionaryPage:
		return c.readDictionary(h, body)
	case dataPage:
		return c.readPage(h, body)
	case dataPageV2:
		return c.readPageV2(h, body)
	}
	return nil // an index
}

func (c *column) readDictionary(h pageHeader, body []byte) error {
	body, err := unpack(c.codec, body, h.unpacked)
	if err != nil {
		return err
	}
	plain := &plainValues{data: body, physical: c.physical, length: c.length}
	c.dictionary = nil
	for range h.values {
		v, err := plain.next()
		if err != nil {
			return fmt.Errorf("dictionary: %w", err)
		}
		c.dictionary = append(c.dictionary, v)
	}
	return nil
}

// enter starts on a page's entries; no value is ever read twice, so no page can go on
// for longer than the column says.
func (c *column) enter(h pageHeader) error {
	if int64(h.values) > c.left {
		return fmt.Errorf("a page of %d values where %d are left", h.values, c.left)
	}
	c.inPage = h.values
	return nil
}

func (c *column) readPage(h pageHeader, body []byte) error {
	if err := c.enter(h); err != nil {
		return err
	}
	body, err := unpack(c.codec, body, h.unpacked)
	if err != nil {
		return err
	}
	if c.reps, body, err = levels(body, c.maxRep, h.repEncoding, h.values); err != nil {
		return err
	}
	if c.defs, body, err = levels(body, c.maxDef, h.defEncoding, h.values); err != nil {
		return err
	}
	c.values, err = c.newSource(h.encoding, body, h.values)
	return err
}

// levelBits is what levels up to a greatest one take.
func levelBits(greatest int) int { return bits.Len(uint(greatest)) }

// encodingBits is the old packing of levels.
const encodingBits = 4

// levels reads those of a version-1 page, with their length before them.
func levels(body []byte, greatest, encoding, values int) (numbers, []byte, error) {
	if greatest == 0 {
		return zeros{}, body, nil
	}
	width := levelBits(greatest)
	if encoding == encodingBits {
		if values > 8*len(body)/width { // before their product, which a hostile number overflows
			return nil, nil, errCut
		}
		size := (values*width + 7) / 8
		return &highBits{data: body[:size], width: width}, body[size:], nil
	}
	if len(body) < 4 {
		return nil, nil, errCut
	}
	size := uint64(binary.LittleEndian.Uint32(body))
	if size > uint64(len(body)-4) {
		return nil, nil, errCut
	}
	r, err := newRuns(body[4:4+size], width)
	return r, body[4+size:], err
}

func (c *column) readPageV2(h pageHeader, body []byte) error {
	if err := c.enter(h); err != nil {
		return err
	}
	apart := h.repBytes + h.defBytes
	if apart < 0 || apart > len(body) || apart > h.unpacked {
		return errCut
	}
	reps, defs, body := body[:h.repBytes], body[h.repBytes:apart], body[apart:]
	codec := c.codec
	if h.bare || h.unpacked == apart {
		codec = codecNone
	}
	body, err := unpack(codec, body, h.unpacked-apart)
	if err != nil {
		return err
	}
	c.reps, c.defs = zeros{}, zeros{}
	if c.maxRep > 0 {
		if c.reps, err = newRuns(reps, levelBits(c.maxRep)); err != nil {
			return err
		}
	}
	if c.maxDef > 0 {
		if c.defs, err = newRuns(defs, levelBits(c.maxDef)); err != nil {
			return err
		}
	}
	c.values, err = c.newSource(h.encoding, body, h.values)
	return err
}
