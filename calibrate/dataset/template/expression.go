package template

import "strconv"

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
	default:
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
