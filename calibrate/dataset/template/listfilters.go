package template

import (
	"slices"
	"strings"
)

func listFilters(tests map[string]function) map[string]function {
	return map[string]function{
		"length":     lengthFilter,
		"count":      lengthFilter,
		"list":       listFilter,
		"first":      func(s *state, a args) (any, error) { return endOf(s, a, false) },
		"last":       func(s *state, a args) (any, error) { return endOf(s, a, true) },
		"join":       joinFilter,
		"reverse":    reverseFilter,
		"sort":       sortFilter,
		"unique":     uniqueFilter,
		"sum":        sumFilter,
		"min":        func(s *state, a args) (any, error) { return extreme(s, a, -1) },
		"max":        func(s *state, a args) (any, error) { return extreme(s, a, 1) },
		"items":      itemsFilter,
		"dictsort":   dictSortFilter,
		"batch":      batchFilter,
		"select":     pick(tests, false, true),
		"reject":     pick(tests, false, false),
		"selectattr": pick(tests, true, true),
		"rejectattr": pick(tests, true, false),
	}
}

func lengthFilter(_ *state, a args) (any, error) {
	switch v := plain(a.list[0]).(type) {
	case string:
		return int64(len([]rune(v))), nil
	case *List:
		return int64(len(v.Items)), nil
	case *Dict:
		return int64(len(v.keys)), nil
	case undefined:
		return int64(0), nil
	}
	return nil, failure(a.line, "a %s has no length", typeName(a.list[0]))
}

func listFilter(s *state, a args) (any, error) {
	items, err := s.items(a.list[0], a.line)
	return NewList(slices.Clone(items)...), err
}

func endOf(s *state, a args, last bool) (any, error) {
	items, err := s.items(a.list[0], a.line)
	switch {
	case err != nil:
		return nil, err
	case len(items) == 0:
		return undefined{"the first or last of nothing"}, nil
	case last:
		return items[len(items)-1], nil
	}
	return items[0], nil
}

// attributeOf follows a path such as "function.name" or a number.
func attributeOf(s *state, v, path any, line int) (any, error) {
	if n, ok := whole(path); ok {
		return subscript{literal{v}, literal{n}, line}.eval(s)
	}
	for _, part := range strings.Split(str(path), ".") {
		var err error
		if strings.HasPrefix(part, "_") {
			return nil, failure(line, "the attribute %q is refused: a chat template may not reach into objects", part)
		}
		if v, err = (subscript{literal{v}, literal{part}, line}).eval(s); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func joinFilter(s *state, a args) (any, error) {
	opts := options(a, "d", "attribute")
	items, err := s.items(a.list[0], a.line)
	if err != nil {
		return nil, err
	}
	sep, size := str(opts["d"]), 0
	if opts["d"] == nil {
		sep = ""
	}
	parts := make([]string, 0, len(items))
	for _, item := range items {
		if path, ok := opts["attribute"]; ok {
			if item, err = attributeOf(s, item, path, a.line); err != nil {
				return nil, err
			}
		}
		parts = append(parts, str(item))
		if size += len(parts[len(parts)-1]) + len(sep); size > maxOutput {
			return nil, errOutput
		}
	}
	return s.text(strings.Join(parts, sep))
}

func reverseFilter(s *state, a args) (any, error) {
	items, err := s.items(a.list[0], a.line)
	if err != nil {
		return nil, err
	}
	items = slices.Clone(items)
	slices.Reverse(items)
	if _, ok := a.list[0].(string); !ok {
		return NewList(items...), nil
	}
	var b strings.Builder
	for _, item := range items {
		b.WriteString(str(item))
	}
	return s.text(b.String())
}

// sortKey is what a filter with attribute and case_sensitive compares.
func sortKey(s *state, v any, opts map[string]any, line int) (any, error) {
	if path, ok := opts["attribute"]; ok && path != nil {
		var err error
		if v, err = attributeOf(s, v, path, line); err != nil {
			return nil, err
		}
	}
	if text, ok := v.(string); ok && !truth(opts["case_sensitive"]) {
		return strings.ToLower(text), nil
	}
	return v, nil
}

type keyed struct{ key, value any }

func keyedItems(s *state, a args, opts map[string]any) ([]keyed, error) {
	items, err := s.items(a.list[0], a.line)
	if err != nil {
		return nil, err
	}
	out := make([]keyed, len(items))
	for i, item := range items {
		key, err := sortKey(s, item, opts, a.line)
		if err != nil {
			return nil, err
		}
		out[i] = keyed{key, item}
	}
	return out, s.step(len(out))
}

func sortFilter(s *state, a args) (any, error) {
	opts := options(a, "reverse", "case_sensitive", "attribute")
	list, err := keyedItems(s, a, opts)
	if err != nil {
		return nil, err
	}
	alike := true
	slices.SortStableFunc(list, func(x, y keyed) int {
		order, ok := s.ordered(x.key, y.key)
		alike = alike && ok
		if truth(opts["reverse"]) {
			return -order
		}
		return order
	})
	if !alike {
		return nil, failure(a.line, "values of different kinds cannot be sorted")
	}
	return valuesOf(list), nil
}

func valuesOf(list []keyed) *List {
	out := NewList()
	for _, k := range list {
		out.Items = append(out.Items, k.value)
	}
	return out
}

func uniqueFilter(s *state, a args) (any, error) {
	list, err := keyedItems(s, a, options(a, "case_sensitive", "attribute"))
	if err != nil {
		return nil, err
	}
	var out []keyed
	for _, k := range list {
		if err := s.step(len(out)); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(out, func(o keyed) bool { return s.equal(o.key, k.key) }) {
			out = append(out, k)
		}
	}
	return valuesOf(out), nil
}

func sumFilter(s *state, a args) (any, error) {
	opts := options(a, "attribute", "start")
	list, err := keyedItems(s, a, map[string]any{"attribute": opts["attribute"], "case_sensitive": true})
	if err != nil {
		return nil, err
	}
	total, ok := opts["start"]
	if !ok {
		total = int64(0)
	}
	for _, k := range list {
		if total, err = s.operate(binary{op: "+", line: a.line}, total, k.key); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func extreme(s *state, a args, sign int) (any, error) {
	list, err := keyedItems(s, a, options(a, "case_sensitive", "attribute"))
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return undefined{"the extreme of nothing"}, nil
	}
	best := list[0]
	for _, k := range list[1:] {
		order, ok := s.ordered(k.key, best.key)
		if !ok {
			return nil, failure(a.line, "values of different kinds cannot be compared")
		}
		if order*sign > 0 {
			best = k
		}
	}
	return best.value, nil
}

func itemsFilter(s *state, a args) (any, error) {
	if _, ok := a.list[0].(undefined); ok {
		return NewList(), nil
	}
	d, ok := a.list[0].(*Dict)
	if !ok {
		return nil, failure(a.line, "a %s has no items", typeName(a.list[0]))
	}
	return pairs(s, d)
}

func pairs(s *state, d *Dict) (any, error) {
	out := NewList()
	for _, k := range d.keys {
		out.Items = append(out.Items, &List{Items: []any{k, d.values[k]}, tuple: true})
	}
	return out, s.step(len(out.Items))
}

func dictSortFilter(s *state, a args) (any, error) {
	opts := options(a, "case_sensitive", "by", "reverse")
	v, err := itemsFilter(s, a)
	if err != nil {
		return nil, err
	}
	by := int64(0)
	if opts["by"] == "value" {
		by = 1
	}
	a.list = []any{v}
	a.named = map[string]any{"attribute": by, "case_sensitive": opts["case_sensitive"], "reverse": opts["reverse"]}
	return sortFilter(s, a)
}

func batchFilter(s *state, a args) (any, error) {
	opts := options(a, "linecount", "fill_with")
	n, ok := whole(opts["linecount"])
	if !ok || n < 1 || n > maxRange {
		return nil, failure(a.line, "batch needs a size")
	}
	items, err := s.items(a.list[0], a.line)
	if err != nil {
		return nil, err
	}
	out := NewList()
	for part := range slices.Chunk(items, int(n)) {
		row := NewList(slices.Clone(part)...)
		for fill := opts["fill_with"]; fill != nil && len(row.Items) < int(n); {
			row.Items = append(row.Items, fill)
		}
		out.Items = append(out.Items, row)
		if err := s.step(len(row.Items)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// pick makes select, reject, selectattr and rejectattr.
func pick(tests map[string]function, byAttribute, keep bool) function {
	return func(s *state, a args) (any, error) {
		items, err := s.items(a.list[0], a.line)
		if err != nil {
			return nil, err
		}
		rest := a.list[1:]
		var path any
		if byAttribute {
			if len(rest) == 0 {
				return nil, failure(a.line, "an attribute is missing")
			}
			path, rest = rest[0], rest[1:]
		}
		check := func(v any) (bool, error) { return truth(v), nil }
		if len(rest) > 0 {
			test, ok := tests[str(rest[0])]
			if !ok {
				return nil, failure(a.line, "unknown test %q", str(rest[0]))
			}
			check = func(v any) (bool, error) {
				out, err := test(s, args{list: append([]any{v}, rest[1:]...), named: a.named, line: a.line})
				return truth(out), err
			}
		}
		out := NewList()
		for _, item := range items {
			v := item
			if byAttribute {
				if v, err = attributeOf(s, item, path, a.line); err != nil {
					return nil, err
				}
			}
			ok, err := check(v)
			if err != nil {
				return nil, err
			}
			if ok == keep {
				out.Items = append(out.Items, item)
			}
		}
		return out, s.step(len(items))
	}
}

func mapFilter(filters map[string]function) function {
	return func(s *state, a args) (any, error) {
		items, err := s.items(a.list[0], a.line)
		if err != nil {
			return nil, err
		}
		change := func(v any) (any, error) { return attributeOr(s, v, a) }
		if len(a.list) > 1 {
			f, ok := filters[str(a.list[1])]
			if !ok {
				return nil, failure(a.line, "unknown filter %q", str(a.list[1]))
			}
			change = func(v any) (any, error) {
				return f(s, args{list: append([]any{v}, a.list[2:]...), named: a.named, line: a.line})
			}
		} else if !has(a.named, "attribute") {
			return nil, failure(a.line, "map needs a filter or an attribute")
		}
		out := NewList()
		for _, item := range items {
			v, err := change(item)
			if err != nil {
				return nil, err
			}
			out.Items = append(out.Items, v)
		}
		return out, s.step(len(items))
	}
}

func attributeOr(s *state, v any, a args) (any, error) {
	out, err := attributeOf(s, v, a.named["attribute"], a.line)
	if _, missing := out.(undefined); missing && has(a.named, "default") {
		return a.named["default"], nil
	}
	return out, err
}
