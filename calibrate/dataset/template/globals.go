package template

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// globals are the functions that a template can call by name.
func globals() map[string]any {
	return map[string]any{
		"range":           function(rangeOf),
		"dict":            function(dictOf),
		"namespace":       function(namespaceOf),
		"raise_exception": function(raise),
		"strftime_now":    function(formatNow),
		"joiner":          function(joiner),
		"cycler":          function(cycler),
	}
}

func raise(_ *state, a args) (any, error) {
	if len(a.list) == 0 {
		return nil, &Raised{"(no reason given)"}
	}
	return nil, &Raised{str(a.list[0])}
}

func rangeOf(s *state, a args) (any, error) {
	var parts [3]int64
	for i, v := range a.list {
		n, ok := whole(v)
		if !ok || i > 2 {
			return nil, failure(a.line, "range takes one to three whole numbers")
		}
		parts[i] = n
	}
	from, to, step := parts[0], parts[1], parts[2]
	switch len(a.list) {
	case 0:
		return nil, failure(a.line, "range takes one to three whole numbers")
	case 1:
		from, to, step = 0, from, 1
	case 2:
		step = 1
	}
	if step == 0 {
		return nil, failure(a.line, "range with a step of zero")
	}
	count := numbers(from, to, step)
	if count > maxRange {
		return nil, failure(a.line, "a range of more than %d numbers is refused", maxRange)
	}
	out := NewList()
	for i := range int64(count) {
		out.Items = append(out.Items, from+i*step)
	}
	return out, s.step(len(out.Items))
}

// numbers counts a range's; its ends may lie further apart than an int64 can tell.
func numbers(from, to, step int64) uint64 {
	switch {
	case step > 0 && from < to:
		return (uint64(to)-uint64(from)-1)/uint64(step) + 1
	case step < 0 && from > to:
		return (uint64(from)-uint64(to)-1)/(-uint64(step)) + 1
	}
	return 0
}

func dictOf(s *state, a args) (any, error) {
	out := NewDict()
	for _, v := range a.list {
		d, ok := v.(*Dict)
		if !ok {
			return nil, failure(a.line, "dict takes a dictionary")
		}
		for _, k := range d.keys {
			out.Set(k, d.values[k])
		}
	}
	for _, k := range sortedKeys(a.named) {
		out.Set(k, a.named[k])
	}
	return out, s.step(len(out.keys))
}

func namespaceOf(s *state, a args) (any, error) {
	v, err := dictOf(s, a)
	if err != nil {
		return nil, err
	}
	return &namespace{v.(*Dict)}, nil
}

func joiner(_ *state, a args) (any, error) {
	sep := ", "
	if len(a.list) > 0 {
		sep = str(a.list[0])
	}
	used := false
	return function(func(*state, args) (any, error) {
		if !used {
			used = true
			return "", nil
		}
		return sep, nil
	}), nil
}

func cycler(_ *state, a args) (any, error) {
	if len(a.list) == 0 {
		return nil, failure(a.line, "cycler() needs values")
	}
	at := 0
	vars := NewDict()
	vars.Set("next", function(func(*state, args) (any, error) {
		v := a.list[at%len(a.list)]
		at++
		return v, nil
	}))
	return &namespace{vars}, nil
}

// formatNow is strftime of the time given to Render.
func formatNow(s *state, a args) (any, error) {
	if len(a.list) != 1 {
		return nil, failure(a.line, "strftime_now takes a format")
	}
	return s.text(strftime(str(a.list[0]), s.now))
}

func strftime(format string, t time.Time) string {
	layouts := map[byte]string{
		'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'd': "02", 'H': "15", 'I': "03", 'm': "01", 'M': "04",
		'p': "PM", 'S': "05", 'y': "06", 'Y': "2006", 'Z': "MST", 'z': "-0700", 'F': "2006-01-02", 'T': "15:04:05", 'e': "_2",
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c != '%' || i+1 == len(format) {
			b.WriteByte(c)
			continue
		}
		i++
		plain := format[i] == '-' && i+1 < len(format) // %-d: without a leading zero
		if plain {
			i++
		}
		switch layout, ok := layouts[format[i]]; {
		case format[i] == 'j' && plain:
			b.WriteString(strconv.Itoa(t.YearDay()))
		case format[i] == 'j':
			fmt.Fprintf(&b, "%03d", t.YearDay())
		case format[i] == '%':
			b.WriteByte('%')
		case !ok:
			b.WriteString(format[i-1 : i+1])
		case plain:
			text := t.Format(layout)
			b.WriteString(strings.TrimLeft(text[:len(text)-1], "0") + text[len(text)-1:])
		default:
			b.WriteString(t.Format(layout))
		}
	}
	return b.String()
}
