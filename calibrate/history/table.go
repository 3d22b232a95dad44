package history

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"ftadvise/calibrate/evidence"
)

// parseTable reads CSV, with commas, semicolons or tabs. Weights & Biases exports a
// panel with one column a run, named "run - metric"; its __MIN and __MAX columns
// repeat it and are left out.
func parseTable(path string, data []byte) ([]Record, []evidence.Warning, error) {
	reader := csv.NewReader(bytes.NewReader(data))
	reader.Comma, reader.FieldsPerRecord, reader.TrimLeadingSpace = separator(data), -1, true
	header, err := reader.Read()
	if err != nil {
		return nil, nil, &Error{path, "has no header", "begin with a line that names step and loss", err}
	}
	rows, err := tableRows(path, reader, header)
	if err != nil {
		return nil, nil, err
	}
	records, err := recordsOf(path, spread(rows))
	return records, nil, err
}

// separator is the one that the header uses most.
func separator(data []byte) rune {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	best, most := ',', bytes.Count(line, []byte(","))
	for _, r := range []rune{';', '\t'} {
		if n := bytes.Count(line, []byte(string(r))); n > most {
			best, most = r, n
		}
	}
	return best
}

func tableRows(path string, reader *csv.Reader, header []string) ([]row, error) {
	var out []row
	for {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, &Error{path, "is no CSV", "check quotes and separators", err}
		}
		line, _ := reader.FieldPos(0)
		r, err := tableRow(header, cells)
		if err != nil {
			return nil, &Error{fmt.Sprintf("%s: line %d", path, line), "holds a cell that is no number", "leave it empty, or give a number", err}
		}
		out = append(out, r)
	}
}

func tableRow(header, cells []string) (row, error) {
	r := row{values: map[string]float64{}}
	for i, cell := range cells {
		if i >= len(header) || strings.TrimSpace(cell) == "" {
			continue
		}
		name, text := strings.ToLower(strings.TrimSpace(header[i])), strings.TrimSpace(cell)
		value, err := strconv.ParseFloat(text, 64)
		switch {
		case isRunName(name):
			r.run = text
		case err == nil || errors.Is(err, strconv.ErrRange):
			r.values[name] = value
		case strings.EqualFold(text, "null") || strings.EqualFold(text, "none"):
			r.values[name] = math.NaN()
		case known(name):
			return row{}, fmt.Errorf("column %s: %q", header[i], cell)
		}
	}
	return r, nil
}

// known reports whether a column is one that is read; others may hold anything.
func known(name string) bool {
	for _, names := range [][]string{stepNames(), trainNames(), evalNames(), rateNames(), normNames()} {
		for _, n := range names {
			if n == name {
				return true
			}
		}
	}
	return false
}

// spread turns columns named "run - metric" into rows of that run.
func spread(rows []row) []row {
	var out []row
	for _, r := range rows {
		runs := map[string]row{}
		rest := row{run: r.run, values: map[string]float64{}}
		for name, value := range r.values {
			run, metric, ok := strings.Cut(name, " - ")
			if !ok || strings.HasSuffix(metric, "__min") || strings.HasSuffix(metric, "__max") {
				rest.values[name] = value
				continue
			}
			if _, seen := runs[run]; !seen {
				runs[run] = row{run: run, values: map[string]float64{}}
			}
			runs[run].values[metric] = value
		}
		if len(runs) == 0 {
			out = append(out, rest)
			continue
		}
		for _, one := range ordered(runs) {
			for _, name := range stepNames() {
				if step, ok := rest.values[name]; ok {
					one.values[name] = step
				}
			}
			out = append(out, one)
		}
	}
	return out
}
