package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"

	"ftadvise/calibrate/evidence"
)

// parseJSON tells the JSON formats apart by their keys.
func parseJSON(path string, data []byte) ([]Record, []evidence.Warning, error) {
	data = plain(data)
	var keys map[string]json.RawMessage
	if data[0] == '[' || json.Unmarshal(data, &keys) != nil {
		return parseRows(path, data)
	}
	switch {
	case keys["log_history"] != nil:
		return parseTrainerState(path, data)
	case keys["trials"] != nil:
		return parseRun(path, data)
	case keys["runs"] != nil:
		return parseCurves(path, keys)
	}
	for _, name := range stepNames() {
		if bytes.HasPrefix(bytes.TrimSpace(keys[name]), []byte("[")) {
			return parseColumns(path, keys)
		}
	}
	return parseRows(path, data)
}

// plain replaces the NaN and Infinity that Python writes, which JSON does not know,
// by null, outside of strings.
func plain(data []byte) []byte {
	if !bytes.Contains(data, []byte("NaN")) && !bytes.Contains(data, []byte("Infinity")) {
		return data
	}
	out := make([]byte, 0, len(data))
	quoted := false
	for i := 0; i < len(data); i++ {
		rest := data[i:]
		switch {
		case quoted && data[i] == '\\' && len(rest) > 1:
			out = append(out, rest[:2]...)
			i++
			continue
		case data[i] == '"':
			quoted = !quoted
		case !quoted && bytes.HasPrefix(rest, []byte("NaN")):
			out, i = append(out, "null"...), i+2
			continue
		case !quoted && bytes.HasPrefix(rest, []byte("-Infinity")):
			out, i = append(out, "null"...), i+8
			continue
		case !quoted && bytes.HasPrefix(rest, []byte("Infinity")):
			out, i = append(out, "null"...), i+7
			continue
		}
		out = append(out, data[i])
	}
	return out
}

// parseRows reads an array of objects, or one object a line.
func parseRows(path string, data []byte) ([]Record, []evidence.Warning, error) {
	var objects []map[string]any
	if data[0] == '[' {
		if err := json.Unmarshal(data, &objects); err != nil {
			return nil, nil, &Error{path, "is not an array of objects", "give [{\"step\": 1, \"loss\": 2.5}, ...]", err}
		}
		records, err := recordsOf(path, rowsOf(objects))
		return records, nil, err
	}
	var warnings []evidence.Warning
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		var object map[string]any
		err := decoder.Decode(&object)
		if err == io.EOF {
			break
		}
		if err != nil && len(objects) > 0 && decoder.InputOffset() > int64(len(data))-4096 && !bytes.HasSuffix(data, []byte("}")) {
			warnings = append(warnings, evidence.Warning{Code: "cut-log", Text: path + ": the last line is cut off and was left out."})
			break
		}
		if err != nil {
			return nil, nil, &Error{fmt.Sprintf("%s: byte %d", path, decoder.InputOffset()), "is no JSON object", "give one object a line with step and loss", err}
		}
		objects = append(objects, object)
	}
	records, err := recordsOf(path, rowsOf(objects))
	return records, warnings, err
}

// rowsOf takes the numbers of objects; null is a loss that was not finite.
func rowsOf(objects []map[string]any) []row {
	var out []row
	for _, object := range objects {
		r := row{values: map[string]float64{}}
		for key, value := range object {
			name := strings.ToLower(key)
			switch v := value.(type) {
			case float64:
				r.values[name] = v
			case nil:
				r.values[name] = math.NaN()
			case string:
				if isRunName(name) {
					r.run = v
				}
			}
		}
		out = append(out, r)
	}
	return out
}

// isRunName reports whether a column names the run or the method of a row.
func isRunName(name string) bool {
	switch name {
	case "method", "run", "name", "run_name", "label", "group":
		return true
	}
	return false
}

// parseColumns reads {"step": [...], "loss": [...]}.
func parseColumns(path string, keys map[string]json.RawMessage) ([]Record, []evidence.Warning, error) {
	var rows []row
	for key, raw := range keys {
		var values []*float64
		if json.Unmarshal(raw, &values) != nil {
			continue
		}
		for i, v := range values {
			if i == len(rows) {
				rows = append(rows, row{values: map[string]float64{}})
			}
			rows[i].values[strings.ToLower(key)] = orNaN(v)
		}
	}
	for _, key := range []string{"method", "label", "name", "run"} {
		var label string
		if json.Unmarshal(keys[key], &label) == nil && label != "" {
			for i := range rows {
				rows[i].run = label
			}
			break
		}
	}
	records, err := recordsOf(path, rows)
	return records, nil, err
}

func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}
