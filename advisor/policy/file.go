package policy

import (
	"fmt"
	"strings"
	"unicode"

	"ftadvise/advisor"
	"ftadvise/advisor/strictyaml"
)

// document is a policy.yaml as it is written.
type document struct {
	Name             string               `yaml:"name"`
	Description      string               `yaml:"description"`
	Extends          text                 `yaml:"extends"`
	Confidence       *number              `yaml:"confidence"`
	AcceptableRegret *number              `yaml:"acceptable_regret"`
	Weights          map[string]number    `yaml:"weights"`
	Constraints      []constraintDocument `yaml:"constraints"`
	Rules            []ruleDocument       `yaml:"rules"`
}

type constraintDocument struct {
	Name    text `yaml:"name"`
	Forbid  text `yaml:"forbid"`
	When    text `yaml:"when"`
	Message text `yaml:"message"`
}

type ruleDocument struct {
	Name       text              `yaml:"name"`
	When       text              `yaml:"when"`
	Prefer     text              `yaml:"prefer"`
	Forbid     text              `yaml:"forbid"`
	Because    text              `yaml:"because"`
	Confidence *number           `yaml:"confidence"`
	Weights    map[string]number `yaml:"weights"`
}

// text is a scalar with its place in the file.
type text struct {
	value     string
	line, col int
}

// UnmarshalYAML keeps the place beside the value.
func (t *text) UnmarshalYAML(n *strictyaml.Node) error {
	if err := n.Decode(&t.value); err != nil {
		return err
	}
	t.line, t.col = strictyaml.Place(n)
	return nil
}

// number is a number with its place in the file.
type number struct {
	value     float64
	line, col int
}

// UnmarshalYAML keeps the place beside the value.
func (v *number) UnmarshalYAML(n *strictyaml.Node) error {
	if err := n.Decode(&v.value); err != nil {
		return err
	}
	v.line, v.col = strictyaml.Place(n)
	return nil
}

// SyntaxError reports a fault in a policy or its tests, with file, line, column, and a
// caret under the place.
type SyntaxError = strictyaml.Error

// reader compiles one document, with its source at hand for errors.
type reader struct {
	file     string
	data     []byte
	compiler *compiler
}

func (r reader) fail(line, col int, what, fix string) error {
	return strictyaml.At(r.file, r.data, line, col, what, fix)
}

func (r reader) at(t text, what, fix string) error { return r.fail(t.line, t.col, what, fix) }

// condition compiles a when and points into the file where it is wrong.
func (r reader) condition(t text) (*expression, error) {
	e, wrong := r.compiler.compile(t.value)
	if wrong == nil {
		return e, nil
	}
	line, col := r.locate(t, wrong.offset)
	return nil, r.fail(line, col, wrong.what, wrong.fix)
}

// locate finds the offset-th rune of a scalar in the file. The source may be quoted or
// folded over lines, so both are walked side by side without their white space.
func (r reader) locate(t text, offset int) (line, col int) {
	want, all := 0, 0
	for i, c := range []rune(t.value) {
		if unicode.IsSpace(c) {
			continue
		}
		if all++; i < offset {
			want++
		}
	}
	if all == 0 {
		return t.line, t.col
	}
	if want == all { // behind the end
		line, col = r.locate(t, offset-1)
		return line, col + 1
	}
	source := strings.Split(string(r.data), "\n")
	if t.line < 1 || t.line > len(source) || t.col < 1 || t.col > len(source[t.line-1])+1 {
		return t.line, t.col
	}
	rest := source[t.line-1][t.col-1:]
	line, col = t.line, t.col
	if skip := opening(rest); skip > 0 {
		rest, col = rest[skip:], col+skip
	}
	if block := strings.TrimSpace(rest); block != "" && (block[0] == '|' || block[0] == '>') {
		rest = "" // the text begins on the next line
	}
	for {
		for i, c := range rest {
			if unicode.IsSpace(c) {
				continue
			}
			if want == 0 {
				return line, col + i
			}
			want--
		}
		if line >= len(source) {
			return t.line, t.col
		}
		rest, line, col = source[line], line+1, 1
	}
}

// opening is the length of an opening quote.
func opening(s string) int {
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		return 1
	}
	return 0
}

// weights checks the names and values of objective weights.
func (r reader) weights(in map[string]number) (map[string]float64, error) {
	if len(in) == 0 {
		return nil, nil
	}
	out := map[string]float64{}
	for _, name := range sortedKeys(in) {
		w := in[name]
		if !contains(advisor.CostNames(), name) {
			what := fmt.Sprintf("no cost is called %s", name)
			if near := strictyaml.Nearest(name, advisor.CostNames()); near != "" {
				what += ": did you mean " + near + "?"
			}
			return nil, r.fail(w.line, w.col, what, "costs are "+strings.Join(advisor.CostNames(), ", "))
		}
		if !(w.value >= 0) || w.value > 1e6 {
			return nil, r.fail(w.line, w.col, fmt.Sprintf("a weight of %g", w.value), "weights go from 0 (ignore) over 1 (as it is) to 1e6")
		}
		out[name] = w.value
	}
	return out, nil
}

func (r reader) share(v *number, name string) (float64, error) {
	if !(v.value >= 0 && v.value <= 1) {
		return 0, r.fail(v.line, v.col, fmt.Sprintf("%s of %g", name, v.value), "give a number from 0 to 1")
	}
	return v.value, nil
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}
