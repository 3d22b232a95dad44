package template

import "errors"

// loop is the variable of that name inside a for.
type loop struct {
	items   []any
	at      int
	depth   int
	changed []any
	again   function // of a recursive loop
}

func (f forStmt) exec(s *state) error {
	over, err := f.over.eval(s)
	if err != nil {
		return err
	}
	return f.iterate(s, over, 1)
}

func (f forStmt) iterate(s *state, over any, depth int) error {
	items, err := s.items(over, f.line)
	if err != nil {
		return err
	}
	if items, err = f.chosen(s, items); err != nil {
		return err
	}
	if len(items) == 0 {
		return s.run(f.otherwise)
	}
	l := &loop{items: items, depth: depth}
	if f.recursive {
		l.again = f.recurse(depth)
	}
	for i, item := range items {
		l.at = i
		vars := map[string]any{"loop": l}
		if err := s.assign(f.target, item, vars); err != nil {
			return err
		}
		switch err := s.within(vars, f.body); {
		case errors.Is(err, errBreak):
			return nil
		case err != nil && !errors.Is(err, errContinue):
			return err
		}
	}
	return nil
}

// chosen keeps the items that pass the loop's "if".
func (f forStmt) chosen(s *state, items []any) ([]any, error) {
	if f.filter == nil {
		return items, nil
	}
	outer := s.scope
	defer func() { s.scope = outer }()
	var out []any
	for _, item := range items {
		vars := map[string]any{}
		if err := s.assign(f.target, item, vars); err != nil {
			return nil, err
		}
		s.scope = &scope{vars: vars, parent: outer}
		v, err := f.filter.eval(s)
		if err != nil {
			return nil, err
		}
		if truth(v) {
			out = append(out, item)
		}
	}
	return out, nil
}

func (f forStmt) recurse(depth int) function {
	return func(s *state, a args) (any, error) {
		if len(a.list) != 1 {
			return nil, failure(a.line, "loop() takes what to go through")
		}
		text, err := s.capture(func() error { return f.iterate(s, a.list[0], depth+1) })
		return text, err
	}
}

func (l *loop) attribute(name string) (any, bool) {
	n := len(l.items)
	switch name {
	case "index":
		return int64(l.at + 1), true
	case "index0":
		return int64(l.at), true
	case "revindex":
		return int64(n - l.at), true
	case "revindex0":
		return int64(n - l.at - 1), true
	case "first":
		return l.at == 0, true
	case "last":
		return l.at == n-1, true
	case "length":
		return int64(n), true
	case "depth":
		return int64(l.depth), true
	case "depth0":
		return int64(l.depth - 1), true
	case "previtem":
		return l.neighbour(l.at-1, name), true
	case "nextitem":
		return l.neighbour(l.at+1, name), true
	case "cycle":
		return function(l.cycle), true
	case "changed":
		return function(l.change), true
	}
	return nil, false
}

func (l *loop) neighbour(i int, name string) any {
	if i < 0 || i >= len(l.items) {
		return undefined{"loop." + name}
	}
	return l.items[i]
}

func (l *loop) cycle(_ *state, a args) (any, error) {
	if len(a.list) == 0 {
		return nil, failure(a.line, "cycle() needs values")
	}
	return a.list[l.at%len(a.list)], nil
}

func (l *loop) change(s *state, a args) (any, error) {
	same := l.changed != nil && s.equal(&List{Items: l.changed}, &List{Items: a.list})
	l.changed = append([]any{}, a.list...)
	return !same, nil
}
