package hf

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// fields reads the fields of config.json by type and remembers the first refusal, so
// that a family's reader is a plain list.
type fields struct {
	raw   map[string]json.RawMessage
	where string
	err   error
}

// ConfigFile describes a model's architecture.
const ConfigFile = "config.json"

func (f *fields) fail(name, format string, args ...any) {
	if f.err == nil {
		f.err = refuse(f.where, "compare it with the model's original config.json", "%s %s", name, fmt.Sprintf(format, args...))
	}
}

// has reports whether a field is there and not null.
func (f *fields) has(name string) bool {
	raw, ok := f.raw[name]
	return ok && string(raw) != "null"
}

// first returns the first of several names for a field that is there, else the first.
func (f *fields) first(names ...string) string {
	for _, name := range names {
		if f.has(name) {
			return name
		}
	}
	return names[0]
}

// size reads a whole number from 1 to limit that must be there.
func (f *fields) size(limit int, names ...string) int {
	name := f.first(names...)
	if !f.has(name) {
		f.fail(name, "is missing")
		return 1
	}
	return f.number(name, 1, limit)
}

// sizeOr is size with a value for a field that is absent or null.
func (f *fields) sizeOr(fallback, limit int, name string) int {
	if !f.has(name) {
		return fallback
	}
	return f.number(name, 1, limit)
}

func (f *fields) number(name string, least, limit int) int {
	n, err := strconv.Atoi(string(f.raw[name]))
	if err != nil || n < least || n > limit {
		f.fail(name, "is %s, not a whole number from %d to %d", shorten(f.raw[name]), least, limit)
		return least
	}
	return n
}

// float reads a finite number from low to high.
func (f *fields) float(fallback, low, high float64, name string) float64 {
	if !f.has(name) {
		return fallback
	}
	v, err := strconv.ParseFloat(string(f.raw[name]), 64)
	if err != nil || math.IsNaN(v) || v < low || v > high {
		f.fail(name, "is %s, not a number from %g to %g", shorten(f.raw[name]), low, high)
		return fallback
	}
	return v
}

func (f *fields) flag(fallback bool, name string) bool {
	return read(f, fallback, name, "true or false")
}

func (f *fields) text(fallback, name string) string {
	return read(f, fallback, name, "a string")
}

// read decodes any other type.
func read[T any](f *fields, fallback T, name, kind string) T {
	if !f.has(name) {
		return fallback
	}
	var v T
	if err := json.Unmarshal(f.raw[name], &v); err != nil {
		f.fail(name, "is %s, not %s", shorten(f.raw[name]), kind)
		return fallback
	}
	return v
}

// token reads a token ID, null for none; some models give a list of them.
func (f *fields) token(name string) (one *int, all []int) {
	if !f.has(name) {
		return nil, nil
	}
	if strings.HasPrefix(string(f.raw[name]), "[") {
		all = read[[]int](f, nil, name, "a token ID or a list of them")
	} else {
		all = []int{read(f, 0, name, "a token ID")}
	}
	if f.err != nil || len(all) == 0 {
		return nil, nil
	}
	return &all[0], all
}

// object opens a nested object.
func (f *fields) object(name string) *fields {
	inner := &fields{where: f.where + ": " + name}
	if f.has(name) {
		inner.raw = read(f, map[string]json.RawMessage{}, name, "an object")
	}
	return inner
}

func shorten(raw json.RawMessage) string {
	const limit = 60
	text := strings.Join(strings.Fields(string(raw)), " ")
	if len(text) > limit {
		return text[:limit] + "..."
	}
	return text
}
