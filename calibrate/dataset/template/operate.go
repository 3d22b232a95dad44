package template

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

func (u unary) eval(s *state) (any, error) {
	v, err := u.of.eval(s)
	if err != nil {
		return nil, err
	}
	if u.op == "not" {
		return !truth(v), nil
	}
	switch v := number(v).(type) {
	case int64:
		if u.op == "-" {
			return -v, nil
		}
		return v, nil
	case float64:
		if u.op == "-" {
			return -v, nil
		}
		return v, nil
	}
	return nil, failure(u.line, "a %s has no sign", typeName(v))
}

func (b binary) eval(s *state) (any, error) {
	left, err := b.left.eval(s)
	if err != nil {
		return nil, err
	}
	if b.op == "and" && !truth(left) || b.op == "or" && truth(left) {
		return left, nil
	}
	right, err := b.right.eval(s)
	if err != nil || b.op == "and" || b.op == "or" {
		return right, err
	}
	if err := s.step(1); err != nil {
		return nil, err
	}
	if b.op == "~" {
		return s.text(str(left) + str(right))
	}
	return s.operate(b, left, right)
}

func (s *state) operate(b binary, left, right any) (any, error) {
	for _, v := range []any{left, right} {
		if u, ok := v.(undefined); ok {
			return nil, failure(b.line, "%s is undefined", u.what)
		}
	}
	if joined, ok := join(b.op, left, right); ok {
		_, err := s.text(string(joined))
		return joined, err
	}
	left, right = plain(left), plain(right)
	if l, ok := left.(string); ok {
		switch r := right.(type) {
		case string:
			if b.op == "+" {
				return s.text(l + r)
			}
		case int64:
			if b.op == "*" {
				return s.repeat(l, r)
			}
		}
		if b.op == "%" {
			return s.format(l, right, b.line)
		}
	}
	if l, ok := left.(*List); ok {
		if r, ok := right.(*List); ok && b.op == "+" && l.tuple == r.tuple {
			out := &List{Items: slices.Concat(l.Items, r.Items), tuple: l.tuple}
			return out, s.step(len(out.Items))
		}
	}
	if v, err := arithmetic(b, number(left), number(right)); v != nil || err != nil {
		return v, err
	}
	return nil, failure(b.line, "%s between a %s and a %s", b.op, typeName(left), typeName(right))
}

// join adds text to markup, which escapes it.
func join(op string, left, right any) (markup, bool) {
	if op != "+" || typeName(left) != "str" || typeName(right) != "str" {
		return "", false
	}
	_, markedLeft := left.(markup)
	_, markedRight := right.(markup)
	return escaped(left) + escaped(right), markedLeft || markedRight
}

func escaped(v any) markup {
	if m, ok := v.(markup); ok {
		return m
	}
	return markup(escapeHTML(str(v)))
}

func (s *state) repeat(text string, n int64) (any, error) {
	if n > 0 && int64(len(text)) > maxOutput/n {
		return nil, errOutput
	}
	return s.text(strings.Repeat(text, int(max(n, 0))))
}

// number makes numbers of truth values, as Python does; other values stay.
func number(v any) any {
	if b, ok := v.(bool); ok {
		return keyOf(b)
	}
	return v
}

func whole(v any) (int64, bool) {
	n, ok := number(v).(int64)
	return n, ok
}

func asFloat(v any) (float64, bool) {
	switch v := number(v).(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// arithmetic returns nil if the operator does not apply.
func arithmetic(b binary, left, right any) (any, error) {
	l, okLeft := left.(int64)
	r, okRight := right.(int64)
	if okLeft && okRight && b.op != "/" && !(b.op == "**" && r < 0) {
		return wholeArithmetic(b, l, r)
	}
	x, okLeft := asFloat(left)
	y, okRight := asFloat(right)
	if !okLeft || !okRight {
		return nil, nil
	}
	if y == 0 && (b.op == "/" || b.op == "//" || b.op == "%") {
		return nil, failure(b.line, "division by zero")
	}
	switch b.op {
	case "+":
		return x + y, nil
	case "-":
		return x - y, nil
	case "*":
		return x * y, nil
	case "/":
		return x / y, nil
	case "//":
		return math.Floor(x / y), nil
	case "%":
		return x - y*math.Floor(x/y), nil
	case "**":
		return math.Pow(x, y), nil
	}
	return nil, nil
}

// wholeArithmetic rounds quotients down, as Python does.
func wholeArithmetic(b binary, l, r int64) (any, error) {
	if r == 0 && (b.op == "//" || b.op == "%") {
		return nil, failure(b.line, "division by zero")
	}
	switch b.op {
	case "+":
		return l + r, nil
	case "-":
		return l - r, nil
	case "*":
		return l * r, nil
	case "//":
		q := l / r
		if l%r != 0 && (l < 0) != (r < 0) {
			q--
		}
		return q, nil
	case "%":
		m := l % r
		if m != 0 && (m < 0) != (r < 0) {
			m += r
		}
		return m, nil
	case "**":
		return int64(math.Pow(float64(l), float64(r))), nil
	}
	return nil, nil
}

func (c comparison) eval(s *state) (any, error) {
	left, err := c.first.eval(s)
	if err != nil {
		return nil, err
	}
	for i, op := range c.ops {
		right, err := c.rest[i].eval(s)
		if err != nil {
			return nil, err
		}
		ok, err := s.compare(op, left, right, c.line)
		if err != nil || !ok {
			return false, err
		}
		left = right
	}
	return true, nil
}

func (s *state) compare(op string, left, right any, line int) (bool, error) {
	left, right = plain(left), plain(right)
	if err := s.step(1 + weight(left) + weight(right)); err != nil {
		return false, err
	}
	switch op {
	case "==":
		return s.equal(left, right), nil
	case "!=":
		return !s.equal(left, right), nil
	case "in":
		return s.contains(right, left, line)
	case "not in":
		in, err := s.contains(right, left, line)
		return !in, err
	}
	order, ok := s.ordered(left, right)
	if !ok {
		return false, failure(line, "%s between a %s and a %s", op, typeName(left), typeName(right))
	}
	switch op {
	case "<":
		return order < 0, nil
	case "<=":
		return order <= 0, nil
	case ">":
		return order > 0, nil
	}
	return order >= 0, nil
}

// work is the steps that reading a value's text takes.
func work(v any) int {
	if text, ok := plain(v).(string); ok {
		return weight(text)
	}
	return 0
}

// weight is the steps that looking through a value takes.
func weight(v any) int {
	switch v := v.(type) {
	case string:
		return len(v) / 64
	case *List:
		return len(v.Items)
	case *Dict:
		return len(v.keys)
	}
	return 0
}

// equal is Python's ==. Each value looked at is a step, as one may be in many places at
// once; when there are none left the answer does not matter.
func (s *state) equal(a, b any) bool {
	if s.step(1) != nil {
		return false
	}
	a, b = plain(a), plain(b)
	switch x := a.(type) {
	case *List:
		y, ok := b.(*List)
		return ok && x.tuple == y.tuple && slices.EqualFunc(x.Items, y.Items, s.equal)
	case *Dict:
		y, ok := b.(*Dict)
		return ok && s.equalDicts(x, y)
	case undefined:
		_, ok := b.(undefined)
		return ok
	case function:
		return false
	}
	if x, ok := asFloat(a); ok {
		y, ok := asFloat(b)
		return ok && x == y
	}
	return a == b
}

func (s *state) equalDicts(x, y *Dict) bool {
	if len(x.keys) != len(y.keys) {
		return false
	}
	for _, k := range x.keys {
		v, ok := y.values[k]
		if !ok || !s.equal(x.values[k], v) {
			return false
		}
	}
	return true
}

// ordered compares numbers, strings and lists.
func (s *state) ordered(a, b any) (int, bool) {
	a, b = plain(a), plain(b)
	if x, ok := a.(string); ok {
		y, ok := b.(string)
		return strings.Compare(x, y), ok
	}
	if x, ok := a.(*List); ok {
		y, ok := b.(*List)
		if !ok {
			return 0, false
		}
		for i := range min(len(x.Items), len(y.Items)) {
			if !s.equal(x.Items[i], y.Items[i]) {
				return s.ordered(x.Items[i], y.Items[i])
			}
		}
		return len(x.Items) - len(y.Items), true
	}
	x, okX := asFloat(a)
	y, okY := asFloat(b)
	switch {
	case x < y:
		return -1, okX && okY
	case x > y:
		return 1, okX && okY
	}
	return 0, okX && okY
}

func (s *state) contains(in, v any, line int) (bool, error) {
	switch in := in.(type) {
	case string:
		part, ok := v.(string)
		if !ok {
			return false, failure(line, "text can only hold text, not a %s", typeName(v))
		}
		return strings.Contains(in, part), nil
	case *List:
		return slices.ContainsFunc(in.Items, func(item any) bool { return s.equal(item, v) }), nil
	case *Dict:
		_, ok := in.Get(v)
		return ok, nil
	case undefined:
		return false, nil
	}
	return false, failure(line, "a %s cannot be looked into", typeName(in))
}

// items lists what a loop goes through.
func (s *state) items(v any, line int) ([]any, error) {
	v = plain(v)
	if err := s.step(weight(v)); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case *List:
		return v.Items, nil
	case *Dict:
		return v.keys, nil
	case undefined:
		return nil, nil
	case string:
		if err := s.step(utf8.RuneCountInString(v)); err != nil {
			return nil, err
		}
		var out []any
		for _, r := range v {
			out = append(out, string(r))
		}
		return out, nil
	}
	return nil, failure(line, "a %s cannot be gone through", typeName(v))
}
