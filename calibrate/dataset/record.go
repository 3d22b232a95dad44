package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// record is one record of the data with its fields in the order of the file. A
// plain text's record has the one field "text".
type record struct {
	at     place
	fields []field
	bytes  int64 // what it took in the file, about
}

// field holds a string, a json.RawMessage not yet decoded, or what JSON decodes to.
type field struct {
	name  string
	value any
}

func (r record) names() []string {
	out := make([]string, len(r.fields))
	for i, f := range r.fields {
		out[i] = f.name
	}
	return out
}

// listed names the fields for a message: the first few of many.
func (r record) listed() string {
	names, more := r.names(), ""
	if len(names) > 12 {
		names, more = names[:12], fmt.Sprintf(" and %d more", len(names)-12)
	}
	return strings.Join(names, ", ") + more
}

func (r record) value(name string) (any, bool) {
	for _, f := range r.fields {
		if f.name == name {
			return f.value, f.value != nil && !isNull(f.value)
		}
	}
	return nil, false
}

func isNull(v any) bool {
	raw, ok := v.(json.RawMessage)
	return ok && bytes.Equal(raw, []byte("null"))
}

// text returns a field as text; numbers and truth values as they are written.
// A missing one is empty.
func (r record) text(name string) (string, error) {
	v, ok := r.value(name)
	if !ok {
		return "", nil
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case json.RawMessage:
		return r.rawText(name, v)
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		return "", bad(r.at, "field "+name+" is not text", "")
	}
	return r.rawText(name, encoded)
}

func (r record) rawText(name string, raw json.RawMessage) (string, error) {
	switch raw[0] {
	case '"':
		return unquote(r.at, raw)
	case '{', '[':
		return "", bad(r.at, "field "+name+" holds "+kindOfJSON(raw)+" where text is expected", "name another field with --field")
	}
	return string(raw), nil
}

func kindOfJSON(raw []byte) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "text"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}

// unquote decodes a JSON string, refusing half a surrogate pair, which has no
// character and which Go would quietly replace.
func unquote(at place, raw json.RawMessage) (string, error) {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", bad(at, "not a JSON string: "+err.Error(), "")
	}
	if strings.ContainsRune(s, utf8.RuneError) && hasLoneSurrogate(raw) {
		return "", bad(at, "a \\u escape is half of a surrogate pair, which is no character", "write the whole pair, or skip such records with --skip-bad")
	}
	return s, nil
}

// hasLoneSurrogate looks for \uD800 to \uDFFF that are not a high one followed by a low one.
func hasLoneSurrogate(raw []byte) bool {
	for i := 0; i+1 < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		i++
		if raw[i] != 'u' {
			continue
		}
		switch surrogate(raw[i+1:]) {
		case highHalf:
			if !bytes.HasPrefix(raw[i+5:], []byte(`\u`)) || surrogate(raw[i+7:]) != lowHalf {
				return true
			}
			i += 10
		case lowHalf:
			return true
		}
	}
	return false
}

const (
	noHalf = iota
	highHalf
	lowHalf
)

func surrogate(hex []byte) int {
	if len(hex) < 4 || hex[0]|0x20 != 'd' {
		return noHalf
	}
	switch c := hex[1] | 0x20; {
	case c == '8'|0x20 || c == '9'|0x20 || c == 'a' || c == 'b':
		return highHalf
	case c >= 'c' && c <= 'f':
		return lowHalf
	}
	return noHalf
}
