package template

import (
	"strings"
)

// is makes a test of a question about one value.
func is(f func(v any) bool) function {
	return func(_ *state, a args) (any, error) { return f(a.list[0]), nil }
}

// comparing makes a test of an operator.
func comparing(op string) function {
	return func(s *state, a args) (any, error) {
		if len(a.list) != 2 {
			return nil, failure(a.line, "the test needs one argument")
		}
		return s.compare(op, a.list[0], a.list[1], a.line)
	}
}

func kindTest(kinds ...string) function {
	return is(func(v any) bool {
		for _, k := range kinds {
			if typeName(v) == k {
				return true
			}
		}
		return false
	})
}

func allTests() map[string]function {
	out := map[string]function{
		"defined":     is(func(v any) bool { return typeName(v) != "undefined" }),
		"undefined":   kindTest("undefined"),
		"none":        kindTest("NoneType"),
		"boolean":     kindTest("bool"),
		"integer":     kindTest("int"),
		"float":       kindTest("float"),
		"number":      kindTest("int", "float", "bool"),
		"string":      kindTest("str"),
		"mapping":     kindTest("dict"),
		"callable":    kindTest("function"),
		"sequence":    kindTest("str", "list", "tuple", "dict", "undefined"),
		"iterable":    kindTest("str", "list", "tuple", "dict", "undefined"),
		"true":        is(func(v any) bool { return v == true }),
		"false":       is(func(v any) bool { return v == false }),
		"lower":       is(func(v any) bool { return str(v) == strings.ToLower(str(v)) && str(v) != strings.ToUpper(str(v)) }),
		"upper":       is(func(v any) bool { return str(v) == strings.ToUpper(str(v)) && str(v) != strings.ToLower(str(v)) }),
		"odd":         parity(1),
		"even":        parity(0),
		"divisibleby": divisible,
		"sameas":      comparing("=="),
	}
	for op, names := range map[string]string{"==": "eq equalto", "!=": "ne", "<": "lt lessthan", "<=": "le", ">": "gt greaterthan", ">=": "ge", "in": "in"} {
		for _, name := range strings.Fields(names) {
			out[name] = comparing(op)
		}
	}
	return out
}

func parity(want int64) function {
	return func(_ *state, a args) (any, error) {
		n, ok := whole(a.list[0])
		if !ok {
			return nil, failure(a.line, "a %s is neither odd nor even", typeName(a.list[0]))
		}
		return n&1 == want, nil
	}
}

func divisible(_ *state, a args) (any, error) {
	if len(a.list) != 2 {
		return nil, failure(a.line, "divisibleby needs a number")
	}
	n, ok := whole(a.list[0])
	by, okBy := whole(a.list[1])
	if !ok || !okBy || by == 0 {
		return nil, failure(a.line, "divisibleby needs a number that is not zero")
	}
	return n%by == 0, nil
}
