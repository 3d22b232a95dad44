package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// maxFields is more than any record has: a file of one object whose fields are the records
// is told what it is, and no time is spent on comparing their names.
const maxFields = 1000

// object cuts a JSON object into its fields without decoding them.
func object(at place, data []byte) (record, error) {
	r := record{at: at, bytes: int64(len(data))}
	if !utf8.Valid(data) {
		return r, notUTF8(at, data)
	}
	data = bytes.TrimSpace(data)
	if err := valid(at, data); err != nil {
		return r, err
	}
	if data[0] != '{' {
		return r, bad(at, "holds "+kindOfJSON(data)+" where an object with fields is expected", "each record is one JSON object, such as {\"text\": ...}")
	}
	rest := data[1 : len(data)-1]
	for {
		rest = bytes.TrimLeft(rest, " \t\r\n,")
		if len(rest) == 0 {
			return r, nil
		}
		var f field
		var err error
		if f, rest, err = nextField(at, rest); err != nil {
			return r, err
		}
		if len(r.fields) == maxFields {
			return r, bad(at, fmt.Sprintf("has more than %d fields", maxFields), "each record is one JSON object: where the fields are the records, write them one a line")
		}
		if slices.ContainsFunc(r.fields, func(g field) bool { return g.name == f.name }) {
			return r, bad(at, fmt.Sprintf("the field %q appears twice", f.name), "remove one: readers disagree on which of them counts")
		}
		r.fields = append(r.fields, f)
	}
}

// valid says what is wrong with a record's JSON, and at which byte.
func valid(at place, data []byte) error {
	if json.Valid(data) {
		return nil
	}
	var v json.RawMessage
	err := json.Unmarshal(data, &v)
	what := "not valid JSON"
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		what = fmt.Sprintf("not valid JSON at byte %d: %v", syntax.Offset, err)
	}
	return bad(at, what, "mend the record, or skip such records with --skip-bad")
}

// nextField cuts one "name": value off data, which is known to be valid.
func nextField(at place, data []byte) (field, []byte, error) {
	n := stringEnd(data)
	name, err := unquote(at, data[:n])
	if err != nil {
		return field{}, nil, err
	}
	data = bytes.TrimLeft(data[n:], " \t\r\n:")
	n = valueEnd(data)
	return field{name, json.RawMessage(data[:n:n])}, data[n:], nil
}

// stringEnd returns the length of the JSON string at the start of data.
func stringEnd(data []byte) int {
	for i := 1; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(data)
}

// valueEnd returns the length of the JSON value at the start of data.
func valueEnd(data []byte) int {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			i += stringEnd(data[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(data)
}

// notUTF8 names the first byte that is not UTF-8 and guesses at the encoding.
func notUTF8(at place, data []byte) error {
	i := 0
	for i < len(data) {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		i += n
	}
	return bad(at, fmt.Sprintf("byte %d (0x%02X) is not UTF-8", i+1, data[i]),
		"if the file is Latin-1, convert it: iconv -f ISO-8859-1 -t UTF-8 "+at.file+" > converted")
}
