package template

import (
	"math"
	"sort"
	"strings"
	"unicode"
)

// library holds the filters and tests by name.
type library struct{ filters, tests map[string]function }

func newLibrary() library {
	l := library{tests: allTests()}
	l.filters = textFilters()
	for name, f := range listFilters(l.tests) {
		l.filters[name] = f
	}
	// A filter can be named in map(), too.
	l.filters["map"] = mapFilter(l.filters)
	return l
}

// options gives the arguments after the first by their names.
func options(a args, names ...string) map[string]any {
	out := map[string]any{}
	for i, name := range names {
		if v, ok := a.named[name]; ok {
			out[name] = v
		} else if i+1 < len(a.list) {
			out[name] = a.list[i+1]
		}
	}
	return out
}

func sortedKeys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// onText makes a filter of a function on text.
func onText(f func(string) string) function {
	return func(s *state, a args) (any, error) { return s.text(f(str(a.list[0]))) }
}

func textFilters() map[string]function {
	return map[string]function{
		"trim":        keepMark(trimFilter),
		"upper":       keepMark(onText(strings.ToUpper)),
		"lower":       keepMark(onText(strings.ToLower)),
		"capitalize":  keepMark(onText(capitalize)),
		"title":       keepMark(onText(title)),
		"string":      keepMark(onText(func(s string) string { return s })),
		"safe":        func(_ *state, a args) (any, error) { return markup(str(a.list[0])), nil },
		"escape":      escapeFilter,
		"e":           escapeFilter,
		"forceescape": func(_ *state, a args) (any, error) { return markup(escapeHTML(str(a.list[0]))), nil },
		"replace":     replaceFilter,
		"indent":      indentFilter,
		"format": func(s *state, a args) (any, error) {
			return s.format(str(a.list[0]), &List{Items: a.list[1:], tuple: true}, a.line)
		},
		"tojson":    jsonFilter,
		"wordcount": func(_ *state, a args) (any, error) { return int64(len(strings.Fields(str(a.list[0])))), nil },
		"int":       intFilter,
		"float":     floatFilter,
		"abs":       absFilter,
		"round":     roundFilter,
		"default":   defaultFilter,
		"d":         defaultFilter,
	}
}

func trimFilter(s *state, a args) (any, error) {
	chars := pythonSpace
	if c, ok := options(a, "chars")["chars"].(string); ok {
		chars = c
	}
	return s.text(strings.Trim(str(a.list[0]), chars))
}

func capitalize(s string) string {
	for i, r := range s {
		return s[:i] + strings.ToUpper(string(r)) + strings.ToLower(s[i+len(string(r)):])
	}
	return s
}

func title(s string) string {
	var b strings.Builder
	begin := true
	for _, r := range s {
		if begin {
			b.WriteRune(unicode.ToUpper(r))
		} else {
			b.WriteRune(unicode.ToLower(r))
		}
		begin = unicode.IsSpace(r) || strings.ContainsRune("-({[<", r)
	}
	return b.String()
}

func escapeFilter(_ *state, a args) (any, error) { return escaped(a.list[0]), nil }

func escapeHTML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;").Replace(s)
}

func replaceFilter(s *state, a args) (any, error) {
	opts := options(a, "old", "new", "count")
	return s.replaceText(str(a.list[0]), str(opts["old"]), str(opts["new"]), opts["count"], a.line)
}

// replaceText bounds what a replacement can grow to before it is made.
func (s *state) replaceText(text, old, with string, count any, line int) (any, error) {
	n := -1
	if c, ok := whole(count); ok && c >= 0 {
		n = int(min(c, maxOutput))
	}
	found := strings.Count(text, old)
	if n >= 0 {
		found = min(found, n)
	}
	if len(text)+found*len(with) > maxOutput {
		return nil, errOutput
	}
	return s.text(strings.Replace(text, old, with, n))
}

func indentFilter(s *state, a args) (any, error) {
	opts := options(a, "width", "first", "blank")
	pad := "    "
	switch w := opts["width"].(type) {
	case int64:
		if w < 0 || w > 1000 {
			return nil, failure(a.line, "an indent of %d", w)
		}
		pad = strings.Repeat(" ", int(w))
	case string:
		pad = w
	}
	lines := strings.Split(str(a.list[0]), "\n")
	if len(pad)*len(lines) > maxOutput {
		return nil, errOutput
	}
	for i, line := range lines {
		if i == 0 && !truth(opts["first"]) || i > 0 && line == "" && !truth(opts["blank"]) {
			continue
		}
		lines[i] = pad + line
	}
	return s.text(strings.Join(lines, "\n"))
}

func intFilter(_ *state, a args) (any, error) {
	if f, ok := asFloat(a.list[0]); ok {
		return int64(f), nil
	}
	if f, ok := parseNumber(str(a.list[0])); ok {
		return int64(f), nil
	}
	if v, ok := options(a, "default")["default"]; ok {
		return v, nil
	}
	return int64(0), nil
}

func floatFilter(_ *state, a args) (any, error) {
	if f, ok := asFloat(a.list[0]); ok {
		return f, nil
	}
	if f, ok := parseNumber(str(a.list[0])); ok {
		return f, nil
	}
	if v, ok := options(a, "default")["default"]; ok {
		return v, nil
	}
	return 0.0, nil
}

func absFilter(_ *state, a args) (any, error) {
	switch v := number(a.list[0]).(type) {
	case int64:
		return max(v, -v), nil
	case float64:
		return math.Abs(v), nil
	}
	return nil, failure(a.line, "abs of a %s", typeName(a.list[0]))
}

func roundFilter(_ *state, a args) (any, error) {
	f, ok := asFloat(a.list[0])
	if !ok {
		return nil, failure(a.line, "round of a %s", typeName(a.list[0]))
	}
	opts := options(a, "precision", "method")
	digits, _ := whole(opts["precision"])
	scale := math.Pow(10, float64(digits))
	switch opts["method"] {
	case "ceil":
		return math.Ceil(f*scale) / scale, nil
	case "floor":
		return math.Floor(f*scale) / scale, nil
	}
	return math.RoundToEven(f*scale) / scale, nil
}

func defaultFilter(_ *state, a args) (any, error) {
	opts := options(a, "default_value", "boolean")
	_, missing := a.list[0].(undefined)
	if !missing && !(truth(opts["boolean"]) && !truth(a.list[0])) {
		return a.list[0], nil
	}
	if v, ok := opts["default_value"]; ok {
		return v, nil
	}
	return "", nil
}
