package template

func (p *parser) statement(tag token) (stmt, error) {
	switch tag.val {
	case "if":
		return p.ifStatement()
	case "for":
		return p.forStatement(tag.line)
	case "set":
		return p.setStatement(tag.line)
	case "macro":
		return p.macroStatement(tag.line)
	case "call":
		return p.callStatement(tag.line)
	case "filter":
		return p.filterStatement(tag.line)
	case "with":
		return p.withStatement()
	case "generation":
		p.generation = true
		b, err := p.until("endgeneration")
		return generationStmt{b}, err
	case "do":
		value, err := p.tuple()
		if err != nil {
			return nil, err
		}
		return doStmt{value}, p.endTag()
	case "break", "continue":
		return p.jump(tag)
	case "include", "import", "from", "extends", "block":
		return nil, failure(tag.line, "{%% %s %%} is refused: a chat template may not read other templates", tag.val)
	}
	return nil, failure(tag.line, "unknown statement %q", tag.val)
}

func (p *parser) jump(tag token) (stmt, error) {
	if p.loops == 0 {
		return nil, failure(tag.line, "%s outside of a loop", tag.val)
	}
	to := errBreak
	if tag.val == "continue" {
		to = errContinue
	}
	return jumpStmt{to}, p.endTag()
}

func (p *parser) ifStatement() (stmt, error) {
	var out ifStmt
	for {
		test, err := p.tuple()
		if err != nil {
			return nil, err
		}
		if err := p.endTag(); err != nil {
			return nil, err
		}
		b, closing, err := p.body("elif", "else", "endif")
		if err != nil {
			return nil, err
		}
		out.tests, out.bodies = append(out.tests, test), append(out.bodies, b)
		switch closing {
		case "endif":
			return out, p.endTag()
		case "else":
			out.otherwise, err = p.until("endif")
			return out, err
		}
	}
}

func (p *parser) forStatement(line int) (stmt, error) {
	out := forStmt{line: line}
	var err error
	if out.target, err = p.target(); err != nil {
		return nil, err
	}
	if _, err := p.expect(name, "in", "in"); err != nil {
		return nil, err
	}
	if out.over, err = p.tupleWithoutCondition(); err != nil {
		return nil, err
	}
	if p.accept(name, "if") {
		if out.filter, err = p.expression(); err != nil {
			return nil, err
		}
	}
	out.recursive = p.accept(name, "recursive")
	if err := p.endTag(); err != nil {
		return nil, err
	}
	p.loops++
	b, closing, err := p.body("else", "endfor")
	p.loops--
	if err != nil {
		return nil, err
	}
	out.body = b
	if closing == "endfor" {
		return out, p.endTag()
	}
	out.otherwise, err = p.until("endfor")
	return out, err
}

// target parses the left of an assignment.
func (p *parser) target() (target, error) {
	first, err := p.oneTarget()
	if err != nil || !p.is(operator, ",") {
		return first, err
	}
	out := target{line: first.line, parts: []target{first}}
	for p.accept(operator, ",") {
		if !p.is(name) && !p.is(operator, "(") {
			break
		}
		next, err := p.oneTarget()
		if err != nil {
			return out, err
		}
		out.parts = append(out.parts, next)
	}
	return out, nil
}

func (p *parser) oneTarget() (target, error) {
	if err := p.deeper(); err != nil {
		return target{}, err
	}
	defer func() { p.depth-- }()
	if p.accept(operator, "(") {
		out, err := p.target()
		if err != nil {
			return out, err
		}
		_, err = p.expect(operator, ")", ")")
		return out, err
	}
	t, err := p.expect(name, "", "a name")
	return target{name: t.val, line: t.line}, err
}

func (p *parser) setStatement(line int) (stmt, error) {
	out := setStmt{line: line}
	var err error
	if out.target, err = p.target(); err != nil {
		return nil, err
	}
	if p.accept(operator, ".") {
		t, err := p.expect(name, "", "an attribute")
		if err != nil {
			return nil, err
		}
		out.target.attribute = t.val
	}
	if p.accept(operator, "=") {
		if out.value, err = p.tuple(); err != nil {
			return nil, err
		}
		return out, p.endTag()
	}
	if p.accept(operator, "|") {
		if out.filter, err = p.filters(nil); err != nil {
			return nil, err
		}
	}
	out.body, err = p.until("endset")
	return out, err
}

func (p *parser) macroStatement(line int) (stmt, error) {
	t, err := p.expect(name, "", "the macro's name")
	if err != nil {
		return nil, err
	}
	m := &macroStmt{name: t.val, line: line}
	if err := p.parameters(m); err != nil {
		return nil, err
	}
	return m, p.macroBody(m, "endmacro")
}

func (p *parser) macroBody(m *macroStmt, closing string) error {
	loops := p.loops
	p.loops = 0
	b, err := p.until(closing)
	p.loops, m.body = loops, b
	return err
}

func (p *parser) parameters(m *macroStmt) error {
	m.defaults = map[string]expr{}
	if _, err := p.expect(operator, "(", "("); err != nil {
		return err
	}
	for !p.accept(operator, ")") {
		t, err := p.expect(name, "", "a parameter")
		if err != nil {
			return err
		}
		m.params = append(m.params, t.val)
		if p.accept(operator, "=") {
			if m.defaults[t.val], err = p.expression(); err != nil {
				return err
			}
		}
		if !p.accept(operator, ",") && !p.is(operator, ")") {
			return failure(p.peek().line, "a comma is expected, not %s", p.peek())
		}
	}
	return nil
}

func (p *parser) callStatement(line int) (stmt, error) {
	caller := &macroStmt{name: "caller", line: line, defaults: map[string]expr{}}
	if p.is(operator, "(") {
		if err := p.parameters(caller); err != nil {
			return nil, err
		}
	}
	e, err := p.expression()
	if err != nil {
		return nil, err
	}
	call, ok := e.(*callExpr)
	if !ok {
		return nil, failure(line, "call needs a call")
	}
	return callStmt{call, caller}, p.macroBody(caller, "endcall")
}

func (p *parser) filterStatement(line int) (stmt, error) {
	f, err := p.filters(nil)
	if err != nil {
		return nil, err
	}
	b, err := p.until("endfilter")
	return filterStmt{f, b}, err
}

func (p *parser) withStatement() (stmt, error) {
	var out withStmt
	for !p.is(blockEnd) {
		t, err := p.expect(name, "", "a name")
		if err != nil {
			return nil, err
		}
		if _, err := p.expect(operator, "=", "="); err != nil {
			return nil, err
		}
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		out.targets = append(out.targets, target{name: t.val, line: t.line})
		out.values = append(out.values, value)
		if !p.accept(operator, ",") {
			break
		}
	}
	var err error
	out.body, err = p.until("endwith")
	return out, err
}
