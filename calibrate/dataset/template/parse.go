package template

import "slices"

// MaxBytes is the size beyond which a template is refused; those in use have 20 kB.
const MaxBytes = 1 << 20

// maxNesting bounds brackets in brackets and blocks in blocks.
const maxNesting = 200

// Template is a parsed template. It can be rendered by several goroutines.
type Template struct {
	body    body
	library library
	// Generation says that the template marks what the model writes.
	Generation bool
}

// Parse reads a template.
func Parse(source string) (*Template, error) {
	if len(source) > MaxBytes {
		return nil, failure(1, "the template has %d bytes; at most %d are read", len(source), MaxBytes)
	}
	tokens, err := lex(source)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, library: newLibrary()}
	b, _, err := p.body()
	if err != nil {
		return nil, err
	}
	return &Template{body: b, library: p.library, Generation: p.generation}, nil
}

type parser struct {
	tokens     []token
	library    library
	pos        int
	depth      int
	loops      int
	generation bool
}

func (p *parser) peek() token { return p.tokens[p.pos] }

func (p *parser) take() token {
	t := p.tokens[p.pos]
	if t.kind != end {
		p.pos++
	}
	return t
}

func (p *parser) is(k kind, vals ...string) bool {
	t := p.peek()
	return t.kind == k && (len(vals) == 0 || slices.Contains(vals, t.val))
}

func (p *parser) accept(k kind, vals ...string) bool {
	if p.is(k, vals...) {
		p.take()
		return true
	}
	return false
}

func (p *parser) expect(k kind, val, what string) (token, error) {
	t := p.peek()
	if t.kind != k || val != "" && t.val != val {
		return t, failure(t.line, "%s is expected, not %s", what, t)
	}
	return p.take(), nil
}

func (t token) String() string {
	switch t.kind {
	case end:
		return "the end of the template"
	case blockEnd, printEnd:
		return "the end of the tag"
	case data:
		return "text"
	default:
		return "\"" + t.val + "\""
	}
}

func (p *parser) deeper() error {
	if p.depth++; p.depth > maxNesting {
		return failure(p.peek().line, "nested deeper than %d", maxNesting)
	}
	return nil
}

// body parses statements up to one of the closing tags, whose name it returns.
func (p *parser) body(closing ...string) (body, string, error) {
	if err := p.deeper(); err != nil {
		return nil, "", err
	}
	defer func() { p.depth-- }()
	var out body
	for {
		t := p.take()
		switch t.kind {
		case end:
			if len(closing) > 0 {
				return nil, "", failure(t.line, "%s is missing", closing[len(closing)-1])
			}
			return out, "", nil
		case data:
			out = append(out, textStmt(t.val))
			continue
		case printBegin:
			value, err := p.tuple()
			if err != nil {
				return nil, "", err
			}
			if _, err := p.expect(printEnd, "", "the end of the tag"); err != nil {
				return nil, "", err
			}
			out = append(out, printStmt{value})
			continue
		default: // the begin of a block
		}
		tag, err := p.expect(name, "", "a statement")
		if err != nil {
			return nil, "", err
		}
		if slices.Contains(closing, tag.val) {
			return out, tag.val, nil
		}
		s, err := p.statement(tag)
		if err != nil {
			return nil, "", err
		}
		if s != nil {
			out = append(out, s)
		}
	}
}

func (p *parser) endTag() error {
	_, err := p.expect(blockEnd, "", "the end of the tag")
	return err
}

// until parses a body after the end of its opening tag, and the end of its closing one.
func (p *parser) until(closing string) (body, error) {
	if err := p.endTag(); err != nil {
		return nil, err
	}
	b, _, err := p.body(closing)
	if err != nil {
		return nil, err
	}
	return b, p.endTag()
}
