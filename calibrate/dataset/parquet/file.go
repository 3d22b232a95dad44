package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// File is an open Parquet file that is read from its first record to its last.
type File struct {
	r       io.ReaderAt
	size    int64
	footer  footer
	root    *node
	columns []*column
	group   int   // the row group to come
	rows    int64 // left in the one under way
}

// Field is one column of a record: text is a string, what is missing nil, and anything
// else json.RawMessage.
type Field struct {
	Name  string
	Value any
}

const (
	magic          = "PAR1"
	encryptedMagic = "PARE"
	maxFooter      = 64 << 20
)

// Open reads the end of a file.
func Open(r io.ReaderAt, size int64) (*File, error) {
	var end [8]byte
	if size < 12 {
		return nil, errors.New("too short")
	}
	if _, err := r.ReadAt(end[:], size-8); err != nil {
		return nil, err
	}
	if string(end[4:]) == encryptedMagic {
		return nil, errors.New("it is encrypted")
	}
	if string(end[4:]) != magic {
		return nil, errors.New("it does not end as Parquet files do; it may be cut short")
	}
	length := int64(binary.LittleEndian.Uint32(end[:]))
	if length > maxFooter || length > size-12 {
		return nil, fmt.Errorf("a description of %d bytes in a file of %d", length, size)
	}
	data := make([]byte, length)
	if _, err := r.ReadAt(data, size-8-length); err != nil {
		return nil, err
	}
	f := &File{r: r, size: size}
	var err error
	if f.footer, err = readFooter(data); err != nil {
		return nil, err
	}
	return f, f.grow()
}

// Note is what the writer noted under a key.
func (f *File) Note(key string) string { return f.footer.notes[key] }

// Next returns the next record, and io.EOF after the last. What it returns is valid
// beyond the next call.
func (f *File) Next() ([]Field, error) {
	for f.rows == 0 {
		if err := f.done(); err != nil {
			return nil, err
		}
		if f.group == len(f.footer.groups) {
			return nil, io.EOF
		}
		if err := f.begin(f.footer.groups[f.group]); err != nil {
			return nil, err
		}
		f.group++
	}
	f.rows--
	if err := f.aligned(); err != nil {
		return nil, err
	}
	out := make([]Field, len(f.root.children))
	for i, child := range f.root.children {
		value, err := child.field()
		if err != nil {
			return nil, err
		}
		out[i] = Field{child.name, value}
	}
	return out, nil
}

func (f *File) begin(g group) error {
	if len(g.chunks) != len(f.columns) || g.rows < 0 {
		return fmt.Errorf("%d columns in a row group, %d in the schema", len(g.chunks), len(f.columns))
	}
	for i, c := range f.columns {
		if err := c.begin(f.r, f.size, g.chunks[i]); err != nil {
			return err
		}
	}
	f.rows = g.rows
	return nil
}

// aligned checks that every column begins a record here.
func (f *File) aligned() error {
	for _, c := range f.columns {
		e, err := c.peek()
		if err != nil {
			return err
		}
		if e.rep != 0 {
			return fmt.Errorf("column %s goes on where a record begins", c.name)
		}
	}
	return nil
}

// done checks that the row group had no more values than records.
func (f *File) done() error {
	for _, c := range f.columns {
		if c.left > 0 || c.peeked {
			return fmt.Errorf("column %s has more values than there are records", c.name)
		}
	}
	return nil
}
