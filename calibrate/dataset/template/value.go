package template

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// The values of a template are nil (None), bool, int64, float64, string, *List,
// *Dict, undefined, function, and *loop and *namespace, which only have attributes.

// List is a list or a tuple.
type List struct {
	Items []any
	tuple bool
}

// NewList makes a list of values.
func NewList(items ...any) *List { return &List{Items: items} }

// Dict keeps its keys in the order in which they were set. Its keys are strings,
// numbers, truth values or nil.
type Dict struct {
	keys   []any
	values map[any]any
}

// NewDict makes an empty dictionary.
func NewDict() *Dict { return &Dict{values: map[any]any{}} }

// Set adds or replaces a value.
func (d *Dict) Set(key, value any) {
	key = keyOf(key)
	if _, ok := d.values[key]; !ok {
		d.keys = append(d.keys, key)
	}
	d.values[key] = value
}

// Get returns a value, and false if the key is missing.
func (d *Dict) Get(key any) (any, bool) {
	if !hashable(key) {
		return nil, false
	}
	v, ok := d.values[keyOf(key)]
	return v, ok
}

func hashable(v any) bool {
	switch v.(type) {
	case nil, bool, int64, float64, string, markup:
		return true
	}
	return false
}

// keyOf makes equal numbers equal keys.
func keyOf(v any) any {
	switch v := v.(type) {
	case markup:
		return string(v)
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v)
		}
	}
	return v
}

// markup is text that the safe and escape filters have marked as HTML. It is text,
// but for what is joined to it by +, which is escaped.
type markup string

// plain takes the mark away.
func plain(v any) any {
	if m, ok := v.(markup); ok {
		return string(m)
	}
	return v
}

// undefined is a name or an attribute that does not exist.
type undefined struct{ what string }

// namespace can be written to from inside a loop.
type namespace struct{ vars *Dict }

// args are those of a call.
type args struct {
	list  []any
	named map[string]any
	line  int
}

// function is what a template can call.
type function func(s *state, a args) (any, error)

// FromJSON makes a value of JSON, keeping the order of keys.
func FromJSON(data []byte) (any, error) {
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.UseNumber()
	v, err := fromDecoder(dec)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	return v, nil
}

func fromDecoder(dec *json.Decoder) (any, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Number:
		if n, err := t.Int64(); err == nil {
			return n, nil
		}
		return t.Float64()
	case json.Delim:
		if t == '[' {
			return listFrom(dec)
		}
		return dictFrom(dec)
	}
	return t, nil
}

func listFrom(dec *json.Decoder) (any, error) {
	out := NewList()
	for dec.More() {
		v, err := fromDecoder(dec)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, v)
	}
	_, err := dec.Token()
	return out, err
}

func dictFrom(dec *json.Decoder) (any, error) {
	out := NewDict()
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		v, err := fromDecoder(dec)
		if err != nil {
			return nil, err
		}
		out.Set(key, v)
	}
	_, err := dec.Token()
	return out, err
}

func truth(v any) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case markup:
		return v != ""
	case *List:
		return len(v.Items) > 0
	case *Dict:
		return len(v.keys) > 0
	}
	return true
}

// str is Python's str().
func str(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case markup:
		return string(v)
	case undefined:
		return ""
	}
	return repr(v)
}

// repr is Python's repr(). It ends soon after more than any text may hold: one list can be
// in many places of another.
func repr(v any) string {
	var b strings.Builder
	represent(&b, v)
	return b.String()
}

func represent(b *strings.Builder, v any) {
	switch v := v.(type) {
	case *List:
		representList(b, v)
	case *Dict:
		representDict(b, v)
	default:
		b.WriteString(reprScalar(v))
	}
}

func reprScalar(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case undefined:
		return "Undefined"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return reprFloat(v)
	case string:
		return reprString(v)
	case markup:
		return "Markup(" + reprString(string(v)) + ")"
	}
	return fmt.Sprintf("<%s>", typeName(v))
}

func reprFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func reprString(s string) string {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	var b strings.Builder
	b.WriteByte(quote)
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == ' ' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte(quote)
	return b.String()
}

func representList(b *strings.Builder, l *List) {
	open, closing := "[", "]"
	if l.tuple {
		open, closing = "(", ")"
	}
	b.WriteString(open)
	for i := 0; i < len(l.Items) && b.Len() <= maxOutput; i++ {
		if i > 0 {
			b.WriteString(", ")
		}
		represent(b, l.Items[i])
	}
	if l.tuple && len(l.Items) == 1 {
		b.WriteString(",")
	}
	b.WriteString(closing)
}

func representDict(b *strings.Builder, d *Dict) {
	b.WriteString("{")
	for i := 0; i < len(d.keys) && b.Len() <= maxOutput; i++ {
		if i > 0 {
			b.WriteString(", ")
		}
		represent(b, d.keys[i])
		b.WriteString(": ")
		represent(b, d.values[d.keys[i]])
	}
	b.WriteString("}")
}

func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case undefined:
		return "undefined"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	case string, markup:
		return "str"
	case *List:
		if v.tuple {
			return "tuple"
		}
		return "list"
	case *Dict:
		return "dict"
	case function:
		return "function"
	}
	return "object"
}
