package template

import "errors"

var (
	errBreak    = errors.New("break")
	errContinue = errors.New("continue")
)

func (t textStmt) exec(s *state) error { return s.write(string(t)) }

func (p printStmt) exec(s *state) error {
	v, err := p.value.eval(s)
	if err != nil {
		return err
	}
	return s.write(str(v))
}

func (d doStmt) exec(s *state) error {
	_, err := d.value.eval(s)
	return err
}

func (j jumpStmt) exec(*state) error { return j.to }

func (i ifStmt) exec(s *state) error {
	for n, test := range i.tests {
		v, err := test.eval(s)
		if err != nil {
			return err
		}
		if truth(v) {
			return s.run(i.bodies[n])
		}
	}
	return s.run(i.otherwise)
}

func (g generationStmt) exec(s *state) error {
	start := s.out.Len()
	if err := s.within(map[string]any{}, g.body); err != nil {
		return err
	}
	if s.captured == 0 {
		s.generated = append(s.generated, Span{start, s.out.Len()})
	}
	return nil
}

func (w withStmt) exec(s *state) error {
	vars := map[string]any{}
	for i, t := range w.targets {
		v, err := w.values[i].eval(s)
		if err != nil {
			return err
		}
		vars[t.name] = v
	}
	return s.within(vars, w.body)
}

func (f filterStmt) exec(s *state) error {
	v, err := s.filterBody(f.filter, f.body)
	if err != nil {
		return err
	}
	return s.write(str(v))
}

// filterBody runs a body and hands what it wrote to a chain of filters.
func (s *state) filterBody(filter expr, b body) (any, error) {
	written, err := s.capture(func() error { return s.within(map[string]any{}, b) })
	if err != nil || filter == nil {
		return written, err
	}
	return withInput(filter, literal{written}).eval(s)
}

// withInput puts the input at the start of a chain of filters that has none.
func withInput(e, input expr) expr {
	f, ok := e.(filtered)
	if !ok {
		return e
	}
	if f.of == nil {
		f.of = input
	} else {
		f.of = withInput(f.of, input)
	}
	return f
}

func (t setStmt) exec(s *state) error {
	var v any
	var err error
	if t.value != nil {
		v, err = t.value.eval(s)
	} else {
		v, err = s.filterBody(t.filter, t.body)
	}
	if err != nil {
		return err
	}
	return s.assign(t.target, v, s.scope.vars)
}

// assign stores a value under the names of a target.
func (s *state) assign(t target, v any, vars map[string]any) error {
	if t.attribute != "" {
		ns, _ := s.scope.lookup(t.name)
		space, ok := ns.(*namespace)
		if !ok {
			return failure(t.line, "%s is not a namespace, so %s.%s cannot be set", t.name, t.name, t.attribute)
		}
		space.vars.Set(t.attribute, v)
		return nil
	}
	if t.parts == nil {
		vars[t.name] = v
		return nil
	}
	items, err := s.items(v, t.line)
	if err != nil {
		return err
	}
	if len(items) != len(t.parts) {
		return failure(t.line, "%d values for %d names", len(items), len(t.parts))
	}
	for i, part := range t.parts {
		if err := s.assign(part, items[i], vars); err != nil {
			return err
		}
	}
	return nil
}

func (m *macroStmt) exec(s *state) error {
	s.scope.vars[m.name] = s.macro(m)
	return nil
}

// macro makes a function of a macro. Its body sees its parameters and the names
// around its definition.
func (s *state) macro(m *macroStmt) function {
	around := s.scope
	return func(s *state, a args) (any, error) {
		outer := s.scope
		s.scope = around
		defer func() { s.scope = outer }()
		vars, err := s.bind(m, a)
		if err != nil {
			return nil, err
		}
		text, err := s.capture(func() error { return s.within(vars, m.body) })
		if err != nil {
			return nil, err
		}
		return s.text(text)
	}
}

func (s *state) bind(m *macroStmt, a args) (map[string]any, error) {
	vars := map[string]any{}
	if len(a.list) > len(m.params) {
		return nil, failure(a.line, "%s takes %d arguments, not %d", m.name, len(m.params), len(a.list))
	}
	for i, param := range m.params {
		switch {
		case i < len(a.list):
			vars[param] = a.list[i]
		case has(a.named, param):
			vars[param] = a.named[param]
		case m.defaults[param] != nil:
			v, err := m.defaults[param].eval(s)
			if err != nil {
				return nil, err
			}
			vars[param] = v
		default:
			vars[param] = undefined{param}
		}
	}
	if caller, ok := a.named["caller"]; ok {
		vars["caller"] = caller
	}
	return vars, nil
}

func has(m map[string]any, key string) bool {
	_, ok := m[key]
	return ok
}

func (c callStmt) exec(s *state) error {
	call := *c.call
	call.named = map[string]expr{"caller": literal{s.macro(c.caller)}}
	for key, value := range c.call.named {
		call.named[key] = value
	}
	v, err := call.eval(s)
	if err != nil {
		return err
	}
	return s.write(str(v))
}
