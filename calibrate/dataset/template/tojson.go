package template

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// toJSON writes a value as Python's json.dumps does with ensure_ascii off: the
// order of keys kept, a space after colons and commas. transformers replaces
// jinja2's own filter by this.
type toJSON struct {
	b             strings.Builder
	item, key     string // separators
	indent        string // of one level; empty: on one line
	sorted, ascii bool
	s             *state
	line, depth   int
}

func jsonFilter(s *state, a args) (any, error) {
	w := toJSON{item: ", ", key: ": ", s: s, line: a.line}
	opts := options(a, "ensure_ascii", "indent", "separators", "sort_keys")
	w.ascii, w.sorted = truth(opts["ensure_ascii"]), truth(opts["sort_keys"])
	if n, ok := whole(opts["indent"]); ok {
		if n < 0 || n > 100 {
			return nil, failure(a.line, "an indent of %d", n)
		}
		w.indent, w.item = strings.Repeat(" ", int(n)), ","
	} else if text, ok := opts["indent"].(string); ok {
		if len(text) > 100 {
			return nil, failure(a.line, "an indent of %d bytes", len(text))
		}
		w.indent, w.item = text, ","
	}
	if l, ok := opts["separators"].(*List); ok && len(l.Items) == 2 {
		w.item, w.key = str(l.Items[0]), str(l.Items[1])
	}
	if err := w.write(a.list[0]); err != nil {
		return nil, err
	}
	return s.text(w.b.String())
}

func (w *toJSON) write(v any) error {
	if err := w.s.step(1 + weight(v)); err != nil {
		return err
	}
	switch v := plain(v).(type) {
	case nil:
		w.b.WriteString("null")
	case bool:
		w.b.WriteString(strconv.FormatBool(v))
	case string:
		w.quote(v)
	case int64, float64:
		w.b.WriteString(strings.NewReplacer("inf", "Infinity", "nan", "NaN").Replace(repr(v)))
	case *List:
		return w.list(len(v.Items), "[", "]", func(i int) error { return w.write(v.Items[i]) })
	case *Dict:
		return w.dict(v)
	case undefined:
		return failure(w.line, "%s is undefined and cannot be written as JSON", v.what)
	default:
		return failure(w.line, "a %s cannot be written as JSON", typeName(v))
	}
	return nil
}

func (w *toJSON) dict(d *Dict) error {
	keys := append([]any{}, d.keys...)
	if w.sorted {
		sort.SliceStable(keys, func(i, j int) bool { return str(keys[i]) < str(keys[j]) })
	}
	return w.list(len(keys), "{", "}", func(i int) error {
		name := str(keys[i])
		if keys[i] == nil {
			name = "null"
		}
		w.quote(name)
		w.b.WriteString(w.key)
		return w.write(d.values[keys[i]])
	})
}

func (w *toJSON) list(n int, open, closing string, each func(int) error) error {
	w.b.WriteString(open)
	if w.depth++; w.depth > maxNesting {
		return failure(w.line, "a value nested deeper than %d cannot be written as JSON", maxNesting)
	}
	for i := range n {
		if i > 0 {
			w.b.WriteString(w.item)
		}
		w.newLine()
		if err := each(i); err != nil {
			return err
		}
		if w.b.Len() > maxOutput {
			return errOutput
		}
	}
	w.depth--
	if n > 0 {
		w.newLine()
	}
	w.b.WriteString(closing)
	return nil
}

func (w *toJSON) newLine() {
	if w.indent != "" {
		w.b.WriteString("\n" + strings.Repeat(w.indent, w.depth))
	}
}

func (w *toJSON) quote(text string) {
	w.b.WriteByte('"')
	for _, r := range text {
		letter := strings.IndexRune("\"\\\n\r\t\b\f", r)
		switch {
		case letter >= 0:
			w.b.WriteByte('\\')
			w.b.WriteByte("\"\\nrtbf"[letter])
		case r < ' ', w.ascii && r > '~' && r < 0x10000:
			fmt.Fprintf(&w.b, `\u%04x`, r)
		case w.ascii && r >= 0x10000:
			r -= 0x10000
			fmt.Fprintf(&w.b, `\u%04x\u%04x`, 0xD800+r>>10, 0xDC00+r&0x3FF)
		default:
			w.b.WriteRune(r)
		}
	}
	w.b.WriteByte('"')
}
