package template

import (
	"slices"
	"strconv"
)

// postfix parses attributes, subscripts and calls.
func (p *parser) postfix(e expr) (expr, error) {
	for {
		var err error
		switch t := p.peek(); {
		case p.accept(operator, "."):
			e, err = p.attribute(e, t.line)
		case p.accept(operator, "["):
			e, err = p.subscript(e, t.line)
		case p.is(operator, "("):
			e, err = p.call(e)
		default:
			return e, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *parser) attribute(of expr, line int) (expr, error) {
	t := p.take()
	switch t.kind {
	case name:
		return attribute{of, t.val, line}, nil
	case integer:
		n, err := strconv.ParseInt(t.val, 10, 64)
		if err == nil {
			return subscript{of, literal{n}, line}, nil
		}
	default:
	}
	return nil, failure(t.line, "an attribute is expected, not %s", t)
}

func (p *parser) subscript(of expr, line int) (expr, error) {
	var parts [3]expr
	n := 0
	for !p.accept(operator, "]") {
		if p.accept(operator, ":") {
			if n++; n > 2 {
				return nil, failure(line, "a slice has at most three parts")
			}
			continue
		}
		if parts[n] != nil {
			return nil, failure(p.peek().line, "] is expected, not %s", p.peek())
		}
		var err error
		if parts[n], err = p.tuple(); err != nil {
			return nil, err
		}
	}
	switch {
	case n > 0:
		return slicing{of, parts[0], parts[1], parts[2], line}, nil
	case parts[0] == nil:
		return nil, failure(line, "a subscript is empty")
	}
	return subscript{of, parts[0], line}, nil
}

func (p *parser) call(fn expr) (*callExpr, error) {
	t, err := p.expect(operator, "(", "(")
	if err != nil {
		return nil, err
	}
	out := &callExpr{fn: fn, named: map[string]expr{}, line: t.line}
	for !p.accept(operator, ")") {
		if err := p.argument(out); err != nil {
			return nil, err
		}
		if !p.accept(operator, ",") && !p.is(operator, ")") {
			return nil, failure(p.peek().line, "a comma is expected, not %s", p.peek())
		}
	}
	return out, nil
}

func (p *parser) argument(c *callExpr) error {
	next := p.tokens[min(p.pos+1, len(p.tokens)-1)]
	if p.is(name) && next.kind == operator && next.val == "=" {
		key := p.take().val
		p.take()
		value, err := p.expression()
		c.named[key] = value
		return err
	}
	if len(c.named) > 0 {
		return failure(p.peek().line, "a named argument may not come before others")
	}
	value, err := p.expression()
	c.list = append(c.list, value)
	return err
}

// filters parses what follows a value: filters, tests, and calls of the outcome.
// With a nil value it parses the filters of a filter block, the first without "|".
func (p *parser) filters(e expr) (expr, error) {
	first := e == nil
	for {
		var err error
		switch {
		case first || p.accept(operator, "|"):
			first = false
			e, err = p.filter(e)
		case p.accept(name, "is"):
			e, err = p.test(e)
		case e != nil && p.is(operator, "("):
			e, err = p.call(e)
		default:
			return e, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *parser) filter(of expr) (expr, error) {
	t, err := p.expect(name, "", "a filter")
	if err != nil {
		return nil, err
	}
	if _, ok := p.library.filters[t.val]; !ok {
		return nil, failure(t.line, "unknown filter %q", t.val)
	}
	out := filtered{of: of, name: t.val, line: t.line, call: &callExpr{line: t.line}}
	if p.is(operator, "(") {
		out.call, err = p.call(nil)
	}
	return out, err
}

func (p *parser) test(of expr) (expr, error) {
	negated := p.accept(name, "not")
	t, err := p.expect(name, "", "a test")
	if err != nil {
		return nil, err
	}
	if _, ok := p.library.tests[t.val]; !ok {
		return nil, failure(t.line, "unknown test %q", t.val)
	}
	out := tested{of: of, name: t.val, line: t.line, call: &callExpr{line: t.line}}
	if p.is(operator, "(") {
		out.call, err = p.call(nil)
	} else if p.startsOperand() {
		var operand expr
		if operand, err = p.unsignedOperand(); err == nil {
			out.call.list = []expr{operand}
		}
	}
	if err != nil || !negated {
		return out, err
	}
	return unary{"not", out, t.line}, nil
}

// startsOperand reports whether a test's argument follows without brackets.
func (p *parser) startsOperand() bool {
	switch t := p.peek(); t.kind {
	case text, integer, float:
		return true
	case name:
		return !slices.Contains([]string{"else", "or", "and", "is", "if", "in", "not", "recursive"}, t.val)
	case operator:
		return t.val == "[" || t.val == "{"
	default:
		return false
	}
}

func (p *parser) unsignedOperand() (expr, error) {
	e, err := p.primary()
	if err != nil {
		return nil, err
	}
	return p.postfix(e)
}
