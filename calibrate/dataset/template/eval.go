package template

import "strings"

func (l literal) eval(*state) (any, error) { return l.value, nil }

func (v variable) eval(s *state) (any, error) {
	if err := s.step(1); err != nil {
		return nil, err
	}
	if value, ok := s.scope.lookup(v.name); ok {
		return value, nil
	}
	return undefined{v.name}, nil
}

func (l listExpr) eval(s *state) (any, error) {
	out := &List{tuple: l.tuple}
	for _, item := range l.items {
		v, err := item.eval(s)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, v)
	}
	return out, s.step(1 + len(out.Items))
}

func (d dictExpr) eval(s *state) (any, error) {
	out := NewDict()
	for i := range d.keys {
		key, err := d.keys[i].eval(s)
		if err != nil {
			return nil, err
		}
		if !hashable(key) {
			return nil, failure(d.line, "a %s cannot be a key", typeName(key))
		}
		value, err := d.values[i].eval(s)
		if err != nil {
			return nil, err
		}
		out.Set(key, value)
	}
	return out, s.step(1 + len(out.keys))
}

func (c conditional) eval(s *state) (any, error) {
	test, err := c.test.eval(s)
	switch {
	case err != nil:
		return nil, err
	case truth(test):
		return c.yes.eval(s)
	case c.no == nil:
		return undefined{"the conditional without else"}, nil
	}
	return c.no.eval(s)
}

func (a attribute) eval(s *state) (any, error) {
	of, err := a.of.eval(s)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(a.name, "_") {
		return nil, failure(a.line, "the attribute %q is refused: a chat template may not reach into objects", a.name)
	}
	switch of := of.(type) {
	case undefined:
		return nil, failure(a.line, "%s is undefined, so it has no %s", of.what, a.name)
	case *loop:
		if v, ok := of.attribute(a.name); ok {
			return v, nil
		}
	case *namespace:
		if v, ok := of.vars.Get(a.name); ok {
			return v, nil
		}
	}
	if m, ok := method(of, a.name); ok {
		return m, nil
	}
	if d, ok := of.(*Dict); ok {
		if v, ok := d.Get(a.name); ok {
			return v, nil
		}
	}
	return undefined{a.name}, s.step(1)
}

func (x subscript) eval(s *state) (any, error) {
	of, err := x.of.eval(s)
	if err != nil {
		return nil, err
	}
	index, err := x.index.eval(s)
	if err != nil {
		return nil, err
	}
	of, index = plain(of), plain(index)
	if err := s.step(1 + work(of)); err != nil {
		return nil, err
	}
	switch of := of.(type) {
	case undefined:
		return nil, failure(x.line, "%s is undefined, so it has no element %s", of.what, repr(index))
	case *Dict:
		if v, ok := of.Get(index); ok {
			return v, nil
		}
	case *namespace:
		if v, ok := of.vars.Get(index); ok {
			return v, nil
		}
	case *List:
		if i, ok := position(index, len(of.Items)); ok {
			return of.Items[i], nil
		}
	case string:
		runes := []rune(of)
		if i, ok := position(index, len(runes)); ok {
			return string(runes[i]), nil
		}
	}
	if key, ok := index.(string); ok {
		return attribute{literal{of}, key, x.line}.eval(s)
	}
	return undefined{"element " + repr(index)}, nil
}

// position turns an index, which may count from the end, into one from the start.
func position(index any, n int) (int, bool) {
	i, ok := whole(index)
	if !ok {
		return 0, false
	}
	if i < 0 {
		i += int64(n)
	}
	return int(i), i >= 0 && i < int64(n)
}

func (x slicing) eval(s *state) (any, error) {
	of, err := x.of.eval(s)
	if err != nil {
		return nil, err
	}
	var parts [3]*int64
	for i, e := range []expr{x.from, x.to, x.step} {
		if e == nil {
			continue
		}
		v, err := e.eval(s)
		if err != nil {
			return nil, err
		}
		if n, ok := whole(v); ok {
			parts[i] = &n
		} else if v != nil {
			return nil, failure(x.line, "a slice needs whole numbers, not %s", typeName(v))
		}
	}
	switch of := plain(of).(type) {
	case string:
		if err := s.step(work(of)); err != nil {
			return nil, err
		}
		runes := []rune(of)
		picked := indices(len(runes), parts)
		var b strings.Builder
		for _, i := range picked {
			b.WriteRune(runes[i])
		}
		return s.text(b.String())
	case *List:
		out := &List{tuple: of.tuple}
		for _, i := range indices(len(of.Items), parts) {
			out.Items = append(out.Items, of.Items[i])
		}
		return out, s.step(len(out.Items))
	}
	return nil, failure(x.line, "a %s cannot be sliced", typeName(of))
}

// indices lists the positions of a Python slice.
func indices(n int, parts [3]*int64) []int {
	step := int64(1)
	if parts[2] != nil {
		step = *parts[2]
	}
	if step == 0 {
		return nil
	}
	size := int64(n)
	low, high := int64(0), size
	if step < 0 {
		low, high = -1, size-1
	}
	bound := func(p *int64, otherwise int64) int64 {
		if p == nil {
			return otherwise
		}
		i := *p
		if i < 0 {
			i += size
		}
		return min(max(i, low), high)
	}
	from, to := bound(parts[0], low), bound(parts[1], high)
	if step < 0 {
		from, to = bound(parts[0], high), bound(parts[1], low)
	}
	step = min(max(step, -size-1), size+1) // as far as any, and sums do not overflow
	var out []int
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		out = append(out, int(i))
	}
	return out
}

func (c *callExpr) arguments(s *state) (args, error) {
	out, steps := args{named: map[string]any{}, line: c.line}, 1
	for _, e := range c.list {
		v, err := e.eval(s)
		if err != nil {
			return out, err
		}
		out.list = append(out.list, v)
		steps += work(v)
	}
	for key, e := range c.named {
		v, err := e.eval(s)
		if err != nil {
			return out, err
		}
		out.named[key] = v
		steps += work(v)
	}
	return out, s.step(steps)
}

func (c *callExpr) eval(s *state) (any, error) {
	fn, err := c.fn.eval(s)
	if err != nil {
		return nil, err
	}
	if l, ok := fn.(*loop); ok && l.again != nil {
		fn = l.again
	}
	f, ok := fn.(function)
	if u, missing := fn.(undefined); missing {
		return nil, failure(c.line, "%s is undefined and cannot be called", u.what)
	}
	if !ok {
		return nil, failure(c.line, "a %s cannot be called", typeName(fn))
	}
	a, err := c.arguments(s)
	if err != nil {
		return nil, err
	}
	return f(s, a)
}

func (f filtered) eval(s *state) (any, error) {
	return apply(s, s.library.filters[f.name], f.of, f.call)
}

// keepMark makes a function of text keep the mark of what it is given.
func keepMark(f function) function {
	return func(s *state, a args) (any, error) {
		_, marked := a.list[0].(markup)
		a.list[0] = plain(a.list[0])
		v, err := f(s, a)
		if marked {
			v = mark(v)
		}
		return v, err
	}
}

// mark marks text, and the texts of a list.
func mark(v any) any {
	switch v := v.(type) {
	case string:
		return markup(v)
	case *List:
		for i := range v.Items {
			v.Items[i] = mark(v.Items[i])
		}
	}
	return v
}

func (t tested) eval(s *state) (any, error) {
	return apply(s, s.library.tests[t.name], t.of, t.call)
}

// apply calls a filter or a test, whose first argument is what stands before it.
func apply(s *state, f function, of expr, call *callExpr) (any, error) {
	v, err := of.eval(s)
	if err != nil {
		return nil, err
	}
	a, err := call.arguments(s)
	if err != nil {
		return nil, err
	}
	if err := s.step(work(v)); err != nil {
		return nil, err
	}
	a.list = append([]any{v}, a.list...)
	return f(s, a)
}
