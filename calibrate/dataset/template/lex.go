package template

import (
	"regexp"
	"strings"
)

// kind is a kind of token.
type kind int

const (
	data kind = iota // text between tags
	blockBegin
	blockEnd
	printBegin
	printEnd
	name
	text // a string literal, decoded
	integer
	float
	operator
	end
)

type token struct {
	kind kind
	val  string
	line int
}

// lexer cuts a source into tokens. Its rules of white space are jinja2's with
// trim_blocks and lstrip_blocks, as transformers sets them.
type lexer struct {
	src     string
	pos     int
	line    int
	tokens  []token
	newLine bool // the last tag ended with a line end
}

func lex(src string) ([]token, error) {
	src = strings.ReplaceAll(src, "\r\n", "\n")
	l := &lexer{src: strings.TrimSuffix(src, "\n"), line: 1, newLine: true}
	for l.pos < len(l.src) {
		if err := l.next(); err != nil {
			return nil, err
		}
	}
	return append(l.tokens, token{end, "", l.line}), nil
}

func (l *lexer) emit(k kind, val string) { l.tokens = append(l.tokens, token{k, val, l.line}) }

func (l *lexer) advance(n int) {
	l.line += strings.Count(l.src[l.pos:l.pos+n], "\n")
	l.pos += n
}

// next takes the text up to the next tag, and the tag.
func (l *lexer) next() error {
	rest := l.src[l.pos:]
	at := nextTag(rest)
	plain := rest[:at]
	if at == len(rest) {
		l.put(plain)
		l.advance(at)
		return nil
	}
	open := rest[at : at+2]
	sign := byte(0)
	if at+2 < len(rest) && (rest[at+2] == '-' || rest[at+2] == '+') {
		sign = rest[at+2]
	}
	l.put(l.before(plain, open, sign))
	l.advance(at + 2)
	if sign != 0 {
		l.advance(1)
	}
	switch open {
	case "{#":
		return l.comment()
	case "{{":
		return l.tag(printBegin, printEnd, "}}")
	}
	return l.block()
}

// nextTag returns where the next {{, {% or {# is, or the length of s.
func nextTag(s string) int {
	for at := 0; ; at++ {
		i := strings.IndexByte(s[at:], '{')
		if i < 0 || at+i+1 == len(s) {
			return len(s)
		}
		at += i
		if strings.IndexByte("{%#", s[at+1]) >= 0 {
			return at
		}
	}
}

func (l *lexer) put(plain string) {
	if plain != "" {
		l.emit(data, plain)
	}
}

// before strips what a tag takes away to its left.
func (l *lexer) before(plain, open string, sign byte) string {
	if sign == '-' {
		return strings.TrimRight(plain, pythonSpace)
	}
	if sign == '+' || open == "{{" {
		return plain
	}
	start := strings.LastIndexByte(plain, '\n') + 1
	if (start > 0 || l.newLine) && strings.Trim(plain[start:], pythonSpace) == "" {
		return plain[:start]
	}
	return plain
}

// after takes away what a tag strips to its right.
func (l *lexer) after(sign byte, trimLine bool) {
	rest := l.src[l.pos:]
	n := 0
	switch {
	case sign == '-':
		n = len(rest) - len(strings.TrimLeft(rest, pythonSpace))
	case sign != '+' && trimLine && strings.HasPrefix(rest, "\n"):
		n = 1
	}
	l.newLine = n > 0 && rest[n-1] == '\n'
	l.advance(n)
}

const pythonSpace = " \t\n\r\f\v\x1c\x1d\x1e\x1f\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"

func (l *lexer) comment() error {
	i := strings.Index(l.src[l.pos:], "#}")
	if i < 0 {
		return failure(l.line, "a comment {# is not closed")
	}
	sign := byte(0)
	if i > 0 {
		sign = l.src[l.pos+i-1]
	}
	l.advance(i + 2)
	l.after(sign, true)
	return nil
}

// rawTag finds the begin and the end of text that is taken as it stands.
var (
	rawBegin = regexp.MustCompile(`^\s*raw\s*([-+]?)%}`)
	rawEnd   = regexp.MustCompile(`\{%([-+]?)\s*endraw\s*([-+]?)%}`)
)

func (l *lexer) block() error {
	m := rawBegin.FindStringSubmatch(l.src[l.pos:])
	if m == nil {
		return l.tag(blockBegin, blockEnd, "%}")
	}
	l.advance(len(m[0]))
	l.after(signOf(m[1]), true)
	rest := l.src[l.pos:]
	at := rawEnd.FindStringSubmatchIndex(rest)
	if at == nil {
		return failure(l.line, "raw is not closed by endraw")
	}
	l.put(l.before(rest[:at[0]], "{%", signOf(rest[at[2]:at[3]])))
	sign := signOf(rest[at[4]:at[5]])
	l.advance(at[1])
	l.after(sign, true)
	return nil
}

func signOf(s string) byte {
	if s == "" {
		return 0
	}
	return s[0]
}

// tag lexes the expression of a tag, up to its end.
func (l *lexer) tag(begin, finish kind, closing string) error {
	l.emit(begin, "")
	var open []byte // brackets
	for {
		rest := strings.TrimLeft(l.src[l.pos:], " \t\n\r")
		l.advance(len(l.src[l.pos:]) - len(rest))
		if rest == "" {
			return failure(l.line, "a tag is not closed by %s", closing)
		}
		if len(open) == 0 {
			if sign, ok := closes(rest, closing); ok {
				l.emit(finish, "")
				l.advance(len(closing) + len(signString(sign)))
				l.after(sign, closing == "%}")
				return nil
			}
		}
		n, err := l.expression(rest)
		if err != nil {
			return err
		}
		if open, err = l.brackets(open, rest[:n]); err != nil {
			return err
		}
		l.advance(n)
	}
}

func signString(sign byte) string {
	if sign == 0 {
		return ""
	}
	return string(sign)
}

func closes(rest, closing string) (byte, bool) {
	if strings.HasPrefix(rest, closing) {
		return 0, true
	}
	if len(rest) > 2 && (rest[0] == '-' || rest[0] == '+' && closing == "%}") && strings.HasPrefix(rest[1:], closing) {
		return rest[0], true
	}
	return 0, false
}

func (l *lexer) brackets(open []byte, s string) ([]byte, error) {
	pairs := map[string]byte{")": '(', "]": '[', "}": '{'}
	switch s {
	case "(", "[", "{":
		return append(open, s[0]), nil
	case ")", "]", "}":
		if len(open) == 0 || open[len(open)-1] != pairs[s] {
			return nil, failure(l.line, "unexpected %q", s)
		}
		return open[:len(open)-1], nil
	}
	return open, nil
}

var (
	nameToken   = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_]*`)
	floatToken  = regexp.MustCompile(`^[0-9]+(_[0-9]+)*(\.[0-9]+(_[0-9]+)*)?([eE][-+]?[0-9]+)?`)
	stringToken = regexp.MustCompile(`^(?s:'([^'\\]|\\.)*'|"([^"\\]|\\.)*")`)
)

// operators lists the long ones first.
const operators = "** // == != <= >= + - * / % ~ < > = ( ) [ ] { } . , : |"

// expression emits the token at the start of rest and returns its length.
func (l *lexer) expression(rest string) (int, error) {
	switch c := rest[0]; {
	case c == '"' || c == '\'':
		s := stringToken.FindString(rest)
		if s == "" {
			return 0, failure(l.line, "a string is not closed")
		}
		l.emit(text, unescape(s[1:len(s)-1]))
		return len(s), nil
	case c >= '0' && c <= '9':
		s := floatToken.FindString(rest)
		k := integer
		if strings.ContainsAny(s, ".eE") {
			k = float
		}
		l.emit(k, strings.ReplaceAll(s, "_", ""))
		return len(s), nil
	}
	if s := nameToken.FindString(rest); s != "" {
		l.emit(name, s)
		return len(s), nil
	}
	for _, op := range strings.Fields(operators) {
		if strings.HasPrefix(rest, op) {
			l.emit(operator, op)
			return len(op), nil
		}
	}
	return 0, failure(l.line, "unexpected character %q", []rune(rest)[0])
}
