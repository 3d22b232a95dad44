package template

import (
	"slices"
	"strconv"
)

// The grammar is jinja2's: conditional > or > and > not > comparison > + - > ~ >
// * / // % > ** > sign > postfix > filter and test.

// expression parses one expression with its conditional.
func (p *parser) expression() (expr, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	yes, err := p.or()
	for err == nil && p.accept(name, "if") {
		c := conditional{yes: yes}
		if c.test, err = p.or(); err != nil {
			return nil, err
		}
		if p.accept(name, "else") {
			if c.no, err = p.expression(); err != nil {
				return nil, err
			}
		}
		yes = c
	}
	return yes, err
}

// tuple parses expressions with commas between as a tuple; one alone is itself.
func (p *parser) tuple() (expr, error) { return p.sequence(p.expression) }

// tupleWithoutCondition leaves an "if" to the loop that it filters.
func (p *parser) tupleWithoutCondition() (expr, error) { return p.sequence(p.or) }

func (p *parser) sequence(one func() (expr, error)) (expr, error) {
	first, err := one()
	if err != nil || !p.is(operator, ",") {
		return first, err
	}
	out := listExpr{items: []expr{first}, tuple: true}
	for p.accept(operator, ",") {
		if p.is(printEnd) || p.is(blockEnd) || p.is(operator, ")") {
			break
		}
		next, err := one()
		if err != nil {
			return nil, err
		}
		out.items = append(out.items, next)
	}
	return out, nil
}

// leftToRight parses operands with operators of one rank between.
func (p *parser) leftToRight(operand func() (expr, error), k kind, ops ...string) (expr, error) {
	left, err := operand()
	for err == nil && p.is(k, ops...) {
		op := p.take()
		var right expr
		if right, err = operand(); err == nil {
			left = binary{op.val, left, right, op.line}
		}
	}
	return left, err
}

func (p *parser) or() (expr, error)     { return p.leftToRight(p.and, name, "or") }
func (p *parser) and() (expr, error)    { return p.leftToRight(p.not, name, "and") }
func (p *parser) sum() (expr, error)    { return p.leftToRight(p.concat, operator, "+", "-") }
func (p *parser) concat() (expr, error) { return p.leftToRight(p.product, operator, "~") }
func (p *parser) power() (expr, error)  { return p.leftToRight(p.sign, operator, "**") }
func (p *parser) product() (expr, error) {
	return p.leftToRight(p.power, operator, "*", "/", "//", "%")
}

func (p *parser) not() (expr, error) {
	if !p.is(name, "not") {
		return p.comparison()
	}
	line := p.take().line
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	of, err := p.not()
	return unary{"not", of, line}, err
}

func (p *parser) comparison() (expr, error) {
	first, err := p.sum()
	if err != nil {
		return nil, err
	}
	out := comparison{first: first, line: p.peek().line}
	for {
		op, ok := p.comparator()
		if !ok {
			break
		}
		right, err := p.sum()
		if err != nil {
			return nil, err
		}
		out.ops, out.rest = append(out.ops, op), append(out.rest, right)
	}
	if len(out.ops) == 0 {
		return first, nil
	}
	return out, nil
}

func (p *parser) comparator() (string, bool) {
	switch {
	case p.is(operator, "==", "!=", "<", "<=", ">", ">="), p.is(name, "in"):
		return p.take().val, true
	case p.is(name, "not") && p.tokens[p.pos+1].kind == name && p.tokens[p.pos+1].val == "in":
		p.pos += 2
		return "not in", true
	}
	return "", false
}

// sign parses a signed value with its filters, which bind tighter than the sign does not.
func (p *parser) sign() (expr, error) {
	e, err := p.unsigned()
	if err != nil {
		return nil, err
	}
	return p.filters(e)
}

func (p *parser) unsigned() (expr, error) {
	if p.is(operator, "-", "+") {
		op := p.take()
		if err := p.deeper(); err != nil {
			return nil, err
		}
		defer func() { p.depth-- }()
		of, err := p.unsigned()
		return unary{op.val, of, op.line}, err
	}
	e, err := p.primary()
	if err != nil {
		return nil, err
	}
	return p.postfix(e)
}

func (p *parser) primary() (expr, error) {
	t := p.take()
	switch t.kind {
	case name:
		return named(t), nil
	case text:
		val := t.val
		for p.is(text) {
			val += p.take().val
		}
		return literal{val}, nil
	case integer:
		n, err := strconv.ParseInt(t.val, 10, 64)
		if err != nil {
			return nil, failure(t.line, "the number %s is too large", t.val)
		}
		return literal{n}, nil
	case float:
		f, err := strconv.ParseFloat(t.val, 64)
		if err != nil {
			return nil, failure(t.line, "the number %s is too large", t.val)
		}
		return literal{f}, nil
	case operator:
		switch t.val {
		case "(":
			return p.brackets()
		case "[":
			return p.list()
		case "{":
			return p.dict(t.line)
		}
	}
	return nil, failure(t.line, "an expression is expected, not %s", t)
}

func named(t token) expr {
	switch t.val {
	case "true", "True":
		return literal{true}
	case "false", "False":
		return literal{false}
	case "none", "None":
		return literal{nil}
	}
	return variable{t.val, t.line}
}

func (p *parser) brackets() (expr, error) {
	if p.accept(operator, ")") {
		return listExpr{tuple: true}, nil
	}
	e, err := p.tuple()
	if err != nil {
		return nil, err
	}
	_, err = p.expect(operator, ")", ")")
	return e, err
}

func (p *parser) list() (expr, error) {
	var out listExpr
	for !p.accept(operator, "]") {
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		out.items = append(out.items, e)
		if !p.accept(operator, ",") && !p.is(operator, "]") {
			return nil, failure(p.peek().line, "a comma is expected, not %s", p.peek())
		}
	}
	return out, nil
}

func (p *parser) dict(line int) (expr, error) {
	out := dictExpr{line: line}
	for !p.accept(operator, "}") {
		key, err := p.expression()
		if err != nil {
			return nil, err
		}
		if _, err := p.expect(operator, ":", ":"); err != nil {
			return nil, err
		}
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		out.keys, out.values = append(out.keys, key), append(out.values, value)
		if !p.accept(operator, ",") && !p.is(operator, "}") {
			return nil, failure(p.peek().line, "a comma is expected, not %s", p.peek())
		}
	}
	return out, nil
}

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
	}
	return false
}

func (p *parser) unsignedOperand() (expr, error) {
	e, err := p.primary()
	if err != nil {
		return nil, err
	}
	return p.postfix(e)
}
