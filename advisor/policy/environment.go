package policy

import (
	"errors"
	"math"

	"cel.dev/cel-go/cel"
	celenv "cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"ftadvise/advisor"
)

// The bounds of one expression. They are far above what a rule needs.
const (
	maxExpressionBytes = 4096
	maxExpressionDepth = 40
	maxOperations      = 500 // names, numbers and operators
)

// knownSuffix marks the hidden truth value behind known(fact).
const knownSuffix = "__known"

// newEnvironment declares the whole language: the facts, comparison, arithmetic and
// logic on them, and known, abs, min, max.
func newEnvironment() (*cel.Env, error) {
	options := []cel.EnvOption{
		cel.ParserRecursionLimit(maxExpressionDepth),
		cel.ParserExpressionSizeLimit(maxExpressionBytes),
		cel.StdLib(cel.StdLibSubset(subset())),
		cel.Function(operators.Divide, cel.Overload("divide_double", doubles(2), cel.DoubleType, cel.BinaryBinding(divide))),
		cel.Function("abs", cel.Overload("abs_double", doubles(1), cel.DoubleType, cel.UnaryBinding(absolute))),
		cel.Function("min", cel.Overload("min_double", doubles(2), cel.DoubleType, cel.BinaryBinding(pick(math.Min)))),
		cel.Function("max", cel.Overload("max_double", doubles(2), cel.DoubleType, cel.BinaryBinding(pick(math.Max)))),
	}
	for _, f := range advisor.Vocabulary() {
		kind := cel.DoubleType
		if f.Bool() {
			kind = cel.BoolType
		}
		options = append(options, cel.Variable(f.Name, kind), cel.Variable(f.Name+knownSuffix, cel.BoolType))
	}
	return cel.NewCustomEnv(options...)
}

func subset() *celenv.LibrarySubset {
	s := celenv.NewLibrarySubset().SetDisableMacros(true)
	for name, overload := range map[string]string{
		operators.Less: "less_double", operators.LessEquals: "less_equals_double",
		operators.Greater: "greater_double", operators.GreaterEquals: "greater_equals_double",
		operators.Add: "add_double", operators.Subtract: "subtract_double",
		operators.Multiply: "multiply_double", operators.Negate: "negate_double",
	} {
		s.AddIncludedFunctions(&celenv.Function{Name: name, Overloads: []*celenv.Overload{{ID: overload}}})
	}
	for _, name := range []string{operators.Conditional, operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot,
		operators.Equals, operators.NotEquals} {
		s.AddIncludedFunctions(&celenv.Function{Name: name})
	}
	return s
}

func doubles(n int) []*cel.Type {
	out := make([]*cel.Type, n)
	for i := range out {
		out[i] = cel.DoubleType
	}
	return out
}

func divide(a, b ref.Val) ref.Val {
	x, y := float64(a.(types.Double)), float64(b.(types.Double))
	if y == 0 {
		return types.WrapErr(errors.New("division by zero"))
	}
	return types.Double(x / y)
}

func absolute(a ref.Val) ref.Val { return types.Double(math.Abs(float64(a.(types.Double)))) }

func pick(f func(x, y float64) float64) func(a, b ref.Val) ref.Val {
	return func(a, b ref.Val) ref.Val {
		return types.Double(f(float64(a.(types.Double)), float64(b.(types.Double))))
	}
}

// facts lets an expression read Features. Absent facts are not resolved: reading one
// is an error, unless && or || makes it irrelevant.
type facts struct {
	features advisor.Features
	truths   map[string]bool // the names of truth values
}

// ResolveName implements CEL's activation.
func (f facts) ResolveName(name string) (any, bool) {
	if n := len(name) - len(knownSuffix); n > 0 && name[n:] == knownSuffix {
		_, ok := f.features[name[:n]]
		return types.Bool(ok), true
	}
	v, ok := f.features[name]
	if !ok {
		return nil, false
	}
	if f.truths[name] {
		return types.Bool(v != 0), true
	}
	return types.Double(v), true
}

// Parent implements CEL's activation.
func (f facts) Parent() cel.Activation { return nil }
