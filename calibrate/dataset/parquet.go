package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"ftadvise/calibrate/dataset/parquet"
)

// parquetRows reads the rows of a Parquet file.
type parquetRows struct {
	file   *parquet.File
	at     place
	limit  int
	labels map[string][]string // column -> names of its classes
}

// newParquet opens the stream's file anew, for the format is read from its end.
func newParquet(st *stream, limit int) (reader, error) {
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
	if p.file, err = parquet.Open(f, st.source.size); err != nil {
		return nil, p.damaged(err)
	}
	p.labels = classNames(p.file.Note("huggingface"))
	return p, nil
}

func (p *parquetRows) damaged(cause error) error {
	return refuse(p.at.String(), "not a Parquet file that can be read: "+cause.Error(), "fetch the file again, or write it anew")
}

func (p *parquetRows) next() (record, error) {
	p.at.n++
	fields, err := p.file.Next()
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return record{}, io.EOF
	}
	if err != nil {
		return record{}, p.damaged(err)
	}
	r := record{at: p.at}
	for _, f := range fields {
		r.fields = append(r.fields, field{f.Name, p.named(f)})
		r.bytes += size(f.Value)
	}
	if r.bytes > int64(p.limit) {
		return r, tooLong(p.at, p.limit)
	}
	return r, nil
}

// named puts the name of a class in the place of its number.
func (p *parquetRows) named(f parquet.Field) any {
	raw, ok := f.Value.(json.RawMessage)
	if !ok {
		return f.Value
	}
	if text, ok := className(p.labels[f.Name], raw); ok {
		return text
	}
	return raw
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
func classNames(text string) map[string][]string {
	var info struct {
		Info struct {
			Features map[string]json.RawMessage `json:"features"`
		} `json:"info"`
	}
	if json.Unmarshal([]byte(text), &info) != nil {
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
