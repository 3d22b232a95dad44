package policy

import (
	"fmt"
	"regexp"
	"sort"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"ftadvise/advisor"
	"ftadvise/advisor/strictyaml"
)

// expression is a compiled condition.
type expression struct {
	text    string
	reads   []string // facts, sorted
	program cel.Program
}

// fault is what is wrong in an expression, at an offset of its text in runes.
type fault struct {
	offset int
	what   string
	fix    string
}

// compiler turns text into expressions over the vocabulary.
type compiler struct {
	env    *cel.Env
	truths map[string]bool
	names  []string // sorted
}

func newCompiler() (*compiler, error) {
	env, err := newEnvironment()
	if err != nil {
		return nil, fmt.Errorf("declare the policies' vocabulary: %w", err)
	}
	c := &compiler{env: env, truths: map[string]bool{}}
	for _, f := range advisor.Vocabulary() {
		c.names = append(c.names, f.Name)
		if f.Bool() {
			c.truths[f.Name] = true
		}
	}
	sort.Strings(c.names)
	return c, nil
}

func (c *compiler) compile(text string) (*expression, *fault) {
	switch {
	case strings.TrimSpace(text) == "":
		return nil, &fault{0, "an empty condition", "write true where a rule always holds"}
	case len(text) > maxExpressionBytes:
		return nil, &fault{0, fmt.Sprintf("a condition of %d bytes, more than %d", len(text), maxExpressionBytes), "split it into several rules"}
	}
	parsed, issues := c.env.Parse(text)
	if issues.Err() != nil {
		return nil, c.firstIssue(text, issues)
	}
	reads, wrong := c.rewrite(parsed.NativeRep(), text)
	if wrong != nil {
		return nil, wrong
	}
	checked, issues := c.env.Check(parsed)
	if issues.Err() != nil {
		return nil, c.firstIssue(text, issues)
	}
	if !checked.OutputType().IsExactType(cel.BoolType) {
		return nil, &fault{0, "a condition must be true or false, and this is a number", "compare it: ... > 0"}
	}
	program, err := c.env.Program(checked, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, &fault{0, err.Error(), "simplify the condition"}
	}
	return &expression{text: text, reads: reads, program: program}, nil
}

// rewrite makes doubles of integer literals, resolves known(fact), refuses what the
// language leaves out, and collects the facts that are read.
func (c *compiler) rewrite(tree *ast.AST, text string) (reads []string, wrong *fault) {
	factory := ast.NewExprFactory()
	seen := map[string]bool{}
	refuse := func(e ast.Expr, what, fix string) {
		if wrong == nil {
			wrong = &fault{offset(text, tree.SourceInfo().GetStartLocation(e.ID())), what, fix}
		}
	}
	operations := 0
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if operations++; operations == maxOperations+1 {
			refuse(tree.Expr(), fmt.Sprintf("more than %d operations", maxOperations), "split the condition into several rules")
		}
		switch e.Kind() {
		case ast.LiteralKind:
			if d, ok := double(e.AsLiteral()); ok {
				e.SetKindCase(factory.NewLiteral(e.ID(), d))
			}
		case ast.IdentKind:
			seen[e.AsIdent()] = true
		case ast.CallKind:
			c.known(e, factory, refuse)
		default:
			refuse(e, "lists, maps, fields and texts are not part of this language", "facts are plain names, such as gap_nats")
		}
	}))
	for name := range seen {
		if strings.HasSuffix(name, knownSuffix) {
			continue
		}
		reads = append(reads, name)
	}
	sort.Strings(reads)
	return reads, wrong
}

func double(v ref.Val) (types.Double, bool) {
	switch n := v.(type) {
	case types.Int:
		return types.Double(n), true
	case types.Uint:
		return types.Double(n), true
	}
	return 0, false
}

// known replaces known(fact) by the hidden truth value that says whether the fact was
// measured.
func (c *compiler) known(e ast.Expr, factory ast.ExprFactory, refuse func(ast.Expr, string, string)) {
	call := e.AsCall()
	if call.FunctionName() != "known" {
		return
	}
	if call.IsMemberFunction() || len(call.Args()) != 1 || call.Args()[0].Kind() != ast.IdentKind {
		refuse(e, "known takes the name of one fact", "write known(gap_nats)")
		return
	}
	name := call.Args()[0].AsIdent()
	if !c.has(name) {
		what, fix := c.unknown(name)
		refuse(call.Args()[0], what, fix)
		return
	}
	e.SetKindCase(factory.NewIdent(e.ID(), name+knownSuffix))
}

func (c *compiler) has(name string) bool {
	i := sort.SearchStrings(c.names, name)
	return i < len(c.names) && c.names[i] == name
}

func (c *compiler) unknown(name string) (what, fix string) {
	if near := strictyaml.Nearest(name, c.names); near != "" {
		return fmt.Sprintf("no fact is called %s: did you mean %s?", name, near), "ftadvise policy facts lists them all"
	}
	return fmt.Sprintf("no fact is called %s", name), "ftadvise policy facts lists them all"
}

var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	noOverload = regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '(.*)'$`)
	unexpected = regexp.MustCompile(`^Syntax error: (?:mismatched|extraneous) input '(.*)' expecting`)
)

func (c *compiler) firstIssue(text string, issues *cel.Issues) *fault {
	all := issues.Errors()
	if len(all) == 0 {
		return &fault{0, issues.Err().Error(), "see docs/policies.md for the language"}
	}
	first := all[0]
	for _, e := range all[1:] {
		if before(e.Location, first.Location) {
			first = e
		}
	}
	what, fix := c.explain(first.Message)
	return &fault{offset(text, first.Location), what, fix}
}

func before(a, b common.Location) bool {
	return a.Line() < b.Line() || (a.Line() == b.Line() && a.Column() < b.Column())
}

// explain says CEL's message in the words of this language.
func (c *compiler) explain(message string) (what, fix string) {
	if m := undeclared.FindStringSubmatch(message); m != nil {
		if operator := strings.Trim(m[1], "_@"); operator == "" || !isName(operator) || operator == "in" {
			return fmt.Sprintf("%s is not part of this language", operator), "see docs/policies.md for the operators"
		}
		return c.unknown(m[1])
	}
	if m := noOverload.FindStringSubmatch(message); m != nil {
		kinds := strings.NewReplacer("double", "number", "bool", "truth value", "string", "text").Replace(m[2])
		return fmt.Sprintf("%s cannot be applied to %s", strings.Trim(m[1], "_"), kinds),
			"compare numbers with numbers; join conditions with && and ||"
	}
	if m := unexpected.FindStringSubmatch(message); m != nil {
		if m[1] == "<EOF>" {
			return "the condition ends too early", "complete it, or look for a bracket that is not closed"
		}
		return "did not expect " + m[1] + " here", "see docs/policies.md for the language"
	}
	message, _, _ = strings.Cut(message, "\n")
	return strings.TrimPrefix(message, "Syntax error: "), "see docs/policies.md for the language"
}

func isName(s string) bool {
	for _, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') {
			return false
		}
	}
	return true
}

// offset turns CEL's line and column into an offset in runes.
func offset(text string, at common.Location) int {
	line := 1
	for i, r := range []rune(text) {
		if line == at.Line() {
			return i + at.Column()
		}
		if r == '\n' {
			line++
		}
	}
	return 0
}

// evaluate asks the expression. A missing fact makes it neither true nor false:
// absent then names the facts it lacked.
func (e *expression) evaluate(f facts) (matched bool, absent []string, err error) {
	out, _, err := e.program.Eval(f)
	if err == nil {
		return out == types.True, nil, nil
	}
	for _, name := range e.reads {
		if _, ok := f.features[name]; !ok {
			absent = append(absent, name)
		}
	}
	if len(absent) > 0 {
		return false, absent, nil
	}
	return false, nil, err
}

// values are the facts the expression reads, where they are known.
func (e *expression) values(f advisor.Features) map[string]float64 {
	out := make(map[string]float64, len(e.reads))
	for _, name := range e.reads {
		if v, ok := f[name]; ok {
			out[name] = v
		}
	}
	return out
}
