package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// parquetRows reads the rows of a Parquet file, a batch at a time.
type parquetRows struct {
	file    *file.Reader
	records pqarrow.RecordReader
	batch   arrow.RecordBatch
	row     int
	at      place
	limit   int
	labels  map[string][]string // column -> names of its classes
}

const parquetBatch = 256 // rows

// newParquet opens the stream's file anew, for the format is read from its end.
func newParquet(st *stream, limit int) (r reader, err error) {
	name := st.source.path
	if st.source.stdin != nil || st.kind != notPacked {
		return nil, refuse(name, "Parquet can only be read from a file that is not packed", "unpack it into a file first; Parquet compresses by itself")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	st.closers = append(st.closers, f.Close)
	p := &parquetRows{at: place{file: name, unit: "row"}, limit: limit}
	defer p.recovered(&err)
	if err := p.open(f); err != nil {
		return nil, p.damaged(err)
	}
	st.closers = append(st.closers, p.Close)
	return p, nil
}

func (p *parquetRows) open(f *os.File) error {
	props := parquet.NewReaderProperties(memory.DefaultAllocator)
	props.BufferedStreamEnabled = true // page by page, not a column chunk at once
	var err error
	if p.file, err = file.NewParquetReader(f, file.WithReadProps(props)); err != nil {
		return err
	}
	notes := p.file.MetaData().KeyValueMetadata()
	p.labels = classNames(notes.FindValue("huggingface"))
	for _, note := range notes {
		// The copy of Arrow's schema adds nothing to text, and the library believes
		// whatever lengths a damaged one tells: a file of 2 kB asked for 7 GB.
		if note.Key == "ARROW:schema" {
			note.Key = ""
		}
	}
	arrowReader, err := pqarrow.NewFileReader(p.file, pqarrow.ArrowReadProperties{BatchSize: parquetBatch}, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	p.records, err = arrowReader.GetRecordReader(context.Background(), nil, nil)
	return err
}

// damaged words an error of the library, whose text may have several lines.
func (p *parquetRows) damaged(cause any) error {
	text, _, _ := strings.Cut(fmt.Sprint(cause), "\n")
	return refuse(p.at.String(), "not a Parquet file that can be read: "+text, "fetch the file again, or write it anew")
}

// recovered turns a panic of the library over a damaged file into an error.
func (p *parquetRows) recovered(err *error) {
	if cause := recover(); cause != nil {
		*err = p.damaged(cause)
	}
}

// Close frees the reader.
func (p *parquetRows) Close() error {
	if p.records != nil {
		p.records.Release()
	}
	return p.file.Close()
}

func (p *parquetRows) next() (r record, err error) {
	defer p.recovered(&err)
	for p.batch == nil || p.row >= int(p.batch.NumRows()) {
		if !p.records.Next() {
			if err := p.records.Err(); err != nil && !errors.Is(err, io.EOF) {
				return record{}, p.damaged(err)
			}
			return record{}, io.EOF
		}
		p.batch, p.row = p.records.RecordBatch(), 0
	}
	p.at.n++
	r = record{at: p.at}
	for i, column := range p.batch.Columns() {
		name := p.batch.ColumnName(i)
		v, err := p.value(name, column)
		if err != nil {
			return r, err
		}
		r.fields = append(r.fields, field{name, v})
		r.bytes += size(v)
	}
	p.row++
	if r.bytes > int64(p.limit) {
		return r, tooLong(p.at, p.limit)
	}
	return r, nil
}

// value reads one cell: text as it is, whatever else as JSON.
func (p *parquetRows) value(name string, column arrow.Array) (any, error) {
	if column.IsNull(p.row) {
		return nil, nil
	}
	v := column.GetOneForMarshal(p.row)
	if d, ok := column.(*array.Dictionary); ok {
		v = d.Dictionary().GetOneForMarshal(d.GetValueIndex(p.row))
	}
	if text, ok := v.(string); ok {
		return strings.Clone(text), nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, bad(p.at, "field "+name+" cannot be read: "+err.Error(), "")
	}
	if text, ok := className(p.labels[name], raw); ok {
		return text, nil
	}
	return json.RawMessage(raw), nil
}

func size(v any) int64 {
	switch v := v.(type) {
	case string:
		return int64(len(v))
	case json.RawMessage:
		return int64(len(v))
	}
	return 0
}

// classNames reads the names of classes that the Python package datasets leaves in
// a file's metadata; the column itself holds their numbers.
func classNames(text *string) map[string][]string {
	if text == nil {
		return nil
	}
	var info struct {
		Info struct {
			Features map[string]json.RawMessage `json:"features"`
		} `json:"info"`
	}
	if json.Unmarshal([]byte(*text), &info) != nil {
		return nil
	}
	out := map[string][]string{}
	for name, raw := range info.Info.Features {
		var feature struct {
			Names []string `json:"names"`
		}
		if json.Unmarshal(raw, &feature) == nil && len(feature.Names) > 0 {
			out[name] = feature.Names
		}
	}
	return out
}

func className(names []string, raw []byte) (string, bool) {
	var n int
	if len(names) == 0 || json.Unmarshal(raw, &n) != nil || n < 0 || n >= len(names) {
		return "", false
	}
	return names[n], true
}
