package template

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// method finds the method of a value, bound to it. Only those that change nothing
// are known.
func method(v any, name string) (function, bool) {
	switch v := v.(type) {
	case string:
		f, ok := textMethods()[name]
		if !ok {
			return nil, false
		}
		return func(s *state, a args) (any, error) {
			if err := s.step(work(v)); err != nil {
				return nil, err
			}
			return f(s, v, plainArgs(a))
		}, true
	case markup:
		f, ok := method(string(v), name)
		return func(s *state, a args) (any, error) {
			out, err := f(s, a)
			return mark(out), err
		}, ok
	case *Dict:
		return dictMethod(v, name)
	case *List:
		return listMethod(v, name)
	}
	return nil, false
}

func plainArgs(a args) args {
	for i := range a.list {
		a.list[i] = plain(a.list[i])
	}
	return a
}

func dictMethod(d *Dict, name string) (function, bool) {
	switch name {
	case "items":
		return func(s *state, _ args) (any, error) { return pairs(s, d) }, true
	case "keys":
		return func(*state, args) (any, error) { return NewList(append([]any{}, d.keys...)...), nil }, true
	case "values":
		return func(s *state, _ args) (any, error) {
			out := NewList()
			for _, k := range d.keys {
				out.Items = append(out.Items, d.values[k])
			}
			return out, s.step(len(out.Items))
		}, true
	case "copy":
		return func(s *state, a args) (any, error) { return dictOf(s, args{list: []any{d}, line: a.line}) }, true
	case "get":
		return func(_ *state, a args) (any, error) {
			if len(a.list) == 0 {
				return nil, failure(a.line, "get needs a key")
			}
			if v, ok := d.Get(a.list[0]); ok {
				return v, nil
			}
			return argument(a, 1), nil
		}, true
	}
	return nil, false
}

func argument(a args, i int) any {
	if i < len(a.list) {
		return a.list[i]
	}
	return nil
}

func listMethod(l *List, name string) (function, bool) {
	switch name {
	case "index":
		return func(s *state, a args) (any, error) {
			for i, item := range l.Items {
				if s.equal(item, argument(a, 0)) {
					return int64(i), nil
				}
			}
			return nil, failure(a.line, "%s is not in the list", repr(argument(a, 0)))
		}, true
	case "count":
		return func(s *state, a args) (any, error) {
			n := int64(0)
			for _, item := range l.Items {
				if s.equal(item, argument(a, 0)) {
					n++
				}
			}
			return n, s.step(len(l.Items))
		}, true
	case "copy":
		return func(s *state, _ args) (any, error) {
			return NewList(append([]any{}, l.Items...)...), s.step(len(l.Items))
		}, true
	}
	return nil, false
}

type textMethod func(s *state, v string, a args) (any, error)

func plainMethod(f func(string) string) textMethod {
	return func(s *state, v string, _ args) (any, error) { return s.text(f(v)) }
}

func stripMethod(f func(string, string) string) textMethod {
	return func(s *state, v string, a args) (any, error) {
		if chars, ok := argument(a, 0).(string); ok {
			return s.text(f(v, chars))
		}
		return s.text(f(v, pythonSpace))
	}
}

// affixMethod takes one text or a tuple of them.
func affixMethod(f func(string, string) bool) textMethod {
	return func(_ *state, v string, a args) (any, error) {
		options := []any{argument(a, 0)}
		if l, ok := argument(a, 0).(*List); ok {
			options = l.Items
		}
		for _, o := range options {
			text, ok := o.(string)
			if !ok {
				return nil, failure(a.line, "text is expected, not a %s", typeName(o))
			}
			if f(v, text) {
				return true, nil
			}
		}
		return false, nil
	}
}

func kindMethod(f func(rune) bool) textMethod {
	return func(_ *state, v string, _ args) (any, error) {
		for _, r := range v {
			if !f(r) {
				return false, nil
			}
		}
		return v != "", nil
	}
}

func textMethods() map[string]textMethod {
	return map[string]textMethod{
		"upper":        plainMethod(strings.ToUpper),
		"lower":        plainMethod(strings.ToLower),
		"capitalize":   plainMethod(capitalize),
		"title":        plainMethod(title),
		"strip":        stripMethod(strings.Trim),
		"lstrip":       stripMethod(strings.TrimLeft),
		"rstrip":       stripMethod(strings.TrimRight),
		"startswith":   affixMethod(strings.HasPrefix),
		"endswith":     affixMethod(strings.HasSuffix),
		"removeprefix": stripMethod(strings.TrimPrefix),
		"removesuffix": stripMethod(strings.TrimSuffix),
		"isdigit":      kindMethod(unicode.IsDigit),
		"isnumeric":    kindMethod(unicode.IsNumber),
		"isalpha":      kindMethod(unicode.IsLetter),
		"isalnum":      kindMethod(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }),
		"isspace":      kindMethod(func(r rune) bool { return strings.ContainsRune(pythonSpace, r) }),
		"split":        splitMethod,
		"rsplit":       rsplitMethod,
		"splitlines":   splitLines,
		"replace": func(s *state, v string, a args) (any, error) {
			return s.replaceText(v, str(argument(a, 0)), str(argument(a, 1)), argument(a, 2), a.line)
		},
		"find":  findMethod(strings.Index),
		"rfind": findMethod(strings.LastIndex),
		"count": func(_ *state, v string, a args) (any, error) {
			return int64(strings.Count(v, str(argument(a, 0)))), nil
		},
		"join": func(s *state, v string, a args) (any, error) {
			return joinFilter(s, args{list: []any{argument(a, 0), v}, line: a.line})
		},
		"format": formatMethod,
	}
}

func findMethod(f func(string, string) int) textMethod {
	return func(_ *state, v string, a args) (any, error) {
		i := f(v, str(argument(a, 0)))
		if i < 0 {
			return int64(-1), nil
		}
		return int64(len([]rune(v[:i]))), nil
	}
}

func texts(list []string) *List {
	out := NewList()
	for _, t := range list {
		out.Items = append(out.Items, t)
	}
	return out
}

// limit reads maxsplit, which is -1 for no limit.
func limit(a args) int {
	v, ok := a.named["maxsplit"]
	if !ok {
		v = argument(a, 1)
	}
	n, ok := whole(v)
	if !ok || n < 0 || n > maxRange {
		return -1
	}
	return int(n)
}

func splitMethod(s *state, v string, a args) (any, error) {
	sep, ok := argument(a, 0).(string)
	n := limit(a)
	if ok && sep == "" {
		return nil, failure(a.line, "an empty separator")
	}
	if ok {
		if n >= 0 {
			n++
		}
		out := strings.SplitN(v, sep, n)
		return texts(out), s.step(len(out))
	}
	out := splitSpace(v, n)
	return texts(out), s.step(len(out))
}

// splitSpace splits at runs of white space, n times at most.
func splitSpace(v string, n int) []string {
	var out []string
	for v = strings.TrimLeft(v, pythonSpace); v != ""; v = strings.TrimLeft(v, pythonSpace) {
		i := strings.IndexAny(v, pythonSpace)
		if i < 0 || n >= 0 && len(out) == n {
			return append(out, v)
		}
		out = append(out, v[:i])
		v = v[i:]
	}
	return out
}

func rsplitMethod(s *state, v string, a args) (any, error) {
	sep, ok := argument(a, 0).(string)
	n := limit(a)
	if !ok || sep == "" || n < 0 {
		return splitMethod(s, v, a)
	}
	var out []string
	for ; n > 0; n-- {
		i := strings.LastIndex(v, sep)
		if i < 0 {
			break
		}
		out = append(out, v[i+len(sep):])
		v = v[:i]
	}
	out = append(out, v)
	slices.Reverse(out)
	return texts(out), s.step(len(out))
}

func splitLines(s *state, v string, _ args) (any, error) {
	v = strings.ReplaceAll(strings.ReplaceAll(v, "\r\n", "\n"), "\r", "\n")
	if v == "" {
		return NewList(), nil
	}
	out := strings.Split(strings.TrimSuffix(v, "\n"), "\n")
	return texts(out), s.step(len(out))
}

// formatMethod is str.format with {}, {0} and {name}, without format codes.
func formatMethod(s *state, v string, a args) (any, error) {
	var b strings.Builder
	next := 0
	for i := 0; i < len(v); i++ {
		c := v[i]
		if (c == '{' || c == '}') && i+1 < len(v) && v[i+1] == c {
			b.WriteByte(c)
			i++
			continue
		}
		if c != '{' {
			b.WriteByte(c)
			continue
		}
		n := strings.IndexByte(v[i:], '}')
		if n < 0 {
			return nil, failure(a.line, "a brace is not closed in the format")
		}
		field := v[i+1 : i+n]
		value, ok := a.named[field]
		if at, err := strconv.Atoi(field); err == nil {
			value, ok = argument(a, at), at >= 0 && at < len(a.list)
		} else if field == "" {
			value, ok = argument(a, next), next < len(a.list)
			next++
		}
		if !ok {
			return nil, failure(a.line, "the format asks for %q, which is not given", field)
		}
		b.WriteString(str(value))
		if b.Len() > maxOutput {
			return nil, errOutput
		}
		i += n
	}
	return s.text(b.String())
}

// format is the % operator on text: %s, %d, %f, %r, %x and %%, with widths.
func (s *state) format(format string, values any, line int) (any, error) {
	list := []any{values}
	if l, ok := values.(*List); ok && l.tuple {
		list = l.Items
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		end := i + 1
		for end < len(format) && strings.IndexByte("-+ 0123456789.", format[end]) >= 0 {
			end++
		}
		if end == len(format) {
			return nil, failure(line, "the format ends in the middle of a code")
		}
		if format[end] == '%' {
			b.WriteByte('%')
			i = end
			continue
		}
		if len(list) == 0 {
			return nil, failure(line, "the format asks for more values than there are")
		}
		text, err := formatOne(format[i:end], format[end], list[0], line)
		if err != nil {
			return nil, err
		}
		b.WriteString(text)
		if b.Len() > maxOutput {
			return nil, errOutput
		}
		list, i = list[1:], end
	}
	return s.text(b.String())
}
