package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"strings"

	"ftadvise/advisor"
	"ftadvise/advisor/strictyaml"
)

// TestReport is what came of a policy's tests.yaml.
type TestReport struct {
	Policy string // name@digest
	File   string
	Cases  []CaseResult
	Unhit  []string // rules and constraints of the policy's own file that no case hit
}

// CaseResult is one case.
type CaseResult struct {
	Name     string
	Failures []string // empty where the case passed
	Answer   advisor.Answer
	Rule     string
}

// OK reports whether all cases passed and all rules were hit.
func (r TestReport) OK() bool {
	for _, c := range r.Cases {
		if len(c.Failures) > 0 {
			return false
		}
	}
	return len(r.Unhit) == 0
}

// testsDocument is a tests.yaml as it is written.
type testsDocument struct {
	Facts map[string]value `yaml:"facts"` // of every case that does not say otherwise
	Tests []caseDocument   `yaml:"tests"`
}

type caseDocument struct {
	Name   text             `yaml:"name"`
	Facts  map[string]value `yaml:"facts"`
	Absent []text           `yaml:"absent"` // facts taken away
	Answer text             `yaml:"answer"`
	Rule   text             `yaml:"rule"`
}

// value is a number or a truth value with its place.
type value struct {
	number    float64
	line, col int
}

// UnmarshalYAML reads true and false as 1 and 0.
func (v *value) UnmarshalYAML(n *strictyaml.Node) error {
	v.line, v.col = strictyaml.Place(n)
	var truth bool
	if n.Tag == "!!bool" {
		if err := n.Decode(&truth); err != nil {
			return err
		}
		if truth {
			v.number = 1
		}
		return nil
	}
	return n.Decode(&v.number)
}

// Test runs the tests.yaml beside the policy that ref names.
func Test(ref string, builtin fs.FS) (TestReport, error) {
	from, name, err := find(ref, builtin)
	if err != nil {
		return TestReport{}, err
	}
	return test(from, name, builtin)
}

// TestFS runs the tests.yaml beside the policy at name in fsys.
func TestFS(fsys fs.FS, name string, builtin fs.FS) (TestReport, error) {
	return test(source{fsys: fsys}, name, builtin)
}

func test(from source, name string, builtin fs.FS) (TestReport, error) {
	p, err := load(from, name, builtin)
	if err != nil {
		return TestReport{}, err
	}
	beside := path.Join(path.Dir(name), "tests.yaml")
	if _, err := fs.Stat(from.fsys, beside); errors.Is(err, fs.ErrNotExist) {
		return TestReport{}, &SyntaxError{File: from.shown(beside), What: "no such file, and the policy is tested by its cases", Fix: "write some there: facts in, answer and rule out; docs/policies.md has an example"}
	}
	data, err := readCapped(from, beside)
	if err != nil {
		return TestReport{}, err
	}
	file := from.shown(beside)
	var d testsDocument
	if err := strictyaml.Decode(file, data, &d); err != nil {
		return TestReport{}, err
	}
	c, err := newCompiler()
	if err != nil {
		return TestReport{}, err
	}
	return reader{file: file, data: data, compiler: c}.test(p, d)
}

func (r reader) test(p *Policy, d testsDocument) (TestReport, error) {
	report := TestReport{Policy: p.ID(), File: r.file}
	hit := map[string]bool{}
	if len(d.Tests) == 0 {
		return report, r.fail(1, 1, "no tests", "list cases under tests:, each with name, facts, answer and rule")
	}
	for i, c := range d.Tests {
		if c.Name.value == "" {
			return report, r.fail(max(1, c.Answer.line), max(1, c.Answer.col), fmt.Sprintf("case %d has no name", i+1), "name: says what the case is about")
		}
		f, err := r.features(d.Facts, c)
		if err != nil {
			return report, err
		}
		result, err := r.run(p, c, f, hit)
		if err != nil {
			return report, err
		}
		report.Cases = append(report.Cases, result)
	}
	report.Unhit = p.unhit(hit)
	return report, nil
}

func (r reader) run(p *Policy, c caseDocument, f advisor.Features, hit map[string]bool) (CaseResult, error) {
	v, err := p.Decide(f)
	if err != nil {
		return CaseResult{}, fmt.Errorf("%s: case %s: %w", r.file, c.Name.value, err)
	}
	for _, t := range v.Trace {
		if strings.HasPrefix(t.Rule, constraintPrefix) && t.Matched {
			hit[t.Rule] = true
		}
	}
	hit[v.Rule] = true
	for _, x := range v.Violations {
		hit[x.Constraint] = true
	}
	out := CaseResult{Name: c.Name.value, Answer: v.Answer, Rule: v.Rule}
	if want := advisor.Answer(c.Answer.value); want != v.Answer {
		out.Failures = append(out.Failures, fmt.Sprintf("%s:%d: answer is %q, want %q (rule %s: %s)", r.file, c.Answer.line, v.Answer, want, v.Rule, v.Because))
	}
	if c.Rule.value != "" && c.Rule.value != v.Rule {
		out.Failures = append(out.Failures, fmt.Sprintf("%s:%d: rule is %q, want %q", r.file, c.Rule.line, v.Rule, c.Rule.value))
	}
	return out, nil
}

// features merges the file's facts with the case's and refuses what no policy knows.
func (r reader) features(shared map[string]value, c caseDocument) (advisor.Features, error) {
	f := advisor.Features{}
	for _, m := range []map[string]value{shared, c.Facts} {
		for _, name := range sortedKeys(m) {
			v := m[name]
			if !r.compiler.has(name) {
				what, fix := r.compiler.unknown(name)
				return nil, r.fail(v.line, v.col, what, fix)
			}
			if math.IsNaN(v.number) || math.IsInf(v.number, 0) {
				return nil, r.fail(v.line, v.col, name+" is not a number", "leave a fact out, or name it under absent:")
			}
			f[name] = v.number
		}
	}
	for _, name := range c.Absent {
		if !r.compiler.has(name.value) {
			what, fix := r.compiler.unknown(name.value)
			return nil, r.at(name, what, fix)
		}
		delete(f, name.value)
	}
	return f, nil
}

// unhit lists what the policy's own file defines and no case reached.
func (p *Policy) unhit(hit map[string]bool) []string {
	var out []string
	for _, name := range sortedKeys(p.own) {
		if !hit[name] {
			out = append(out, name)
		}
	}
	return out
}
