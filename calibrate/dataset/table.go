package dataset

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// table reads CSV and TSV whose first line names the columns.
type table struct {
	csv    *csv.Reader
	budget *budget
	names  []string
	at     place
}

func newTable(st *stream, format string, limit int) (*table, error) {
	b := &budget{r: st.Reader, limit: limit, left: limit}
	t := &table{csv: csv.NewReader(b), budget: b, at: place{file: st.source.path, unit: "line", n: 1}}
	t.csv.ReuseRecord = true
	if format == "tsv" {
		// Tab-separated files quote less strictly than comma-separated ones.
		t.csv.Comma, t.csv.LazyQuotes = '\t', true
	} else if head, _ := st.Peek(4 << 10); separator(head) == ';' {
		t.csv.Comma = ';'
	}
	names, err := t.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, refuse(st.source.path, "the file is empty", "give data with a first line that names the columns")
	}
	if err != nil {
		return nil, t.failed(err)
	}
	t.names = slices.Clone(names)
	return t, t.checkNames()
}

// separator tells the semicolons of some countries' spreadsheets from commas.
func separator(head []byte) byte {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	if bytes.Count(line, []byte(";")) > bytes.Count(line, []byte(",")) {
		return ';'
	}
	return ','
}

func (t *table) checkNames() error {
	for i, name := range t.names {
		if j := slices.Index(t.names[:i], name); j >= 0 {
			return refuse(t.at.String(), fmt.Sprintf("columns %d and %d are both called %q", j+1, i+1, name), "rename one")
		}
	}
	return nil
}

func (t *table) next() (record, error) {
	t.budget.left = t.budget.limit + 8<<10
	values, err := t.csv.Read()
	if errors.Is(err, io.EOF) {
		return record{}, io.EOF
	}
	if err != nil {
		return record{}, t.failed(err)
	}
	line, _ := t.csv.FieldPos(0)
	t.at.n = int64(line)
	r := record{at: t.at}
	for i, value := range values {
		if !utf8.ValidString(value) {
			return r, notUTF8(t.at, []byte(value))
		}
		r.fields = append(r.fields, field{t.names[i], value})
		r.bytes += int64(len(value)) + 1
	}
	return r, nil
}

func (t *table) failed(err error) error {
	if errors.Is(err, errBudget) {
		return tooLong(t.at, t.budget.limit)
	}
	var p *csv.ParseError
	if !errors.As(err, &p) {
		return err
	}
	at := t.at
	at.n = int64(p.StartLine)
	if errors.Is(p.Err, csv.ErrFieldCount) {
		return bad(at, fmt.Sprintf("the row has another number of fields than the %d columns", len(t.names)), "quote fields that hold a separator, or skip such rows with --skip-bad")
	}
	return bad(at, fmt.Sprintf("column %d: %v", p.Column, p.Err), "quote the field and double the quotes in it, or skip such rows with --skip-bad")
}
