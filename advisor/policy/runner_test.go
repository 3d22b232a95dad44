package policy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ftadvise/advisor/policy"
)

const runnerPolicy = `name: p
constraints:
  - {name: few, forbid: full, when: tasks > 9, message: too many}
rules:
  - {name: gap, when: gap_nats > 1, prefer: full, confidence: 0, because: gap}
  - {name: rest, when: "true", prefer: lora, confidence: 0, because: rest}
`

func runTests(t *testing.T, tests string) (policy.TestReport, error) {
	t.Helper()
	return policy.TestFS(files("p/policy.yaml", runnerPolicy, "p/tests.yaml", tests), "p/policy.yaml", files())
}

func TestRunner(t *testing.T) {
	report, err := runTests(t, `facts: {tasks: 1}
tests:
  - {name: a, facts: {gap_nats: 2}, answer: full, rule: gap}
  - {name: b, facts: {gap_nats: 2}, absent: [gap_nats], answer: lora, rule: rest}
  - {name: c, facts: {tasks: 10}, answer: lora, rule: "constraint:few"}
`)
	if err != nil || !report.OK() || len(report.Cases) != 3 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestRunnerTellsWhatFailed(t *testing.T) {
	report, err := runTests(t, "tests:\n  - name: a\n    facts: {gap_nats: 2}\n    answer: lora\n    rule: rest\n")
	if err != nil || report.OK() {
		t.Fatalf("%+v, %v", report, err)
	}
	want := []string{`p/tests.yaml:4: answer is "full", want "lora" (rule gap: gap)`, `p/tests.yaml:5: rule is "gap", want "rest"`}
	if got := report.Cases[0].Failures; strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q", got)
	}
	if got := strings.Join(report.Unhit, " "); got != "constraint:few rest" {
		t.Errorf("not hit: %s", got)
	}
}

func TestRunnerRefuses(t *testing.T) {
	for tests, want := range map[string]string{
		"tests: []\n": "p/tests.yaml:1:1: no tests\n | tests: []\n | ^",
		"tests:\n  - {name: a, facts: {gapnats: 1}, answer: lora}\n":         "p/tests.yaml:2:32: no fact is called gapnats: did you mean gap_nats?",
		"tests:\n  - {name: a, absent: [gapnats], answer: lora}\n":           "p/tests.yaml:2:24: no fact is called gapnats: did you mean gap_nats?",
		"tests:\n  - {answer: lora}\n":                                       "p/tests.yaml:2:14: case 1 has no name",
		"tests:\n  - {name: a, facts: {gap_nats: .nan}, answer: lora}\n":     "p/tests.yaml:2:33: gap_nats is not a number",
		"tests:\n  - {name: a, facts: {gap_nats: [1]}, answer: lora}\n":      "p/tests.yaml:2:",
		"tests:\n  - {name: a, answers: lora}\n":                             "p/tests.yaml:2:15: unknown key \"answers\": did you mean answer?",
		"facts: {tasks: 1, tasks: 2}\ntests:\n  - {name: a, answer: lora}\n": "p/tests.yaml:1:9: key \"tasks\" is given twice, first at line 1",
	} {
		_, err := runTests(t, tests)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s\n%v, want %s", tests, err, want)
		}
	}
}

// From the disk, errors name the path as it was given.
func TestErrorsNameThePath(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "policy.yaml"), []byte("name: p\nextends: ./base.yaml\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "base.yaml"), []byte(rule("gap_nat > 1")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{dir, filepath.Join(dir, "policy.yaml")} {
		_, err := policy.Load(ref, files())
		if want := filepath.Join(dir, "base.yaml") + ":4:11: no fact is called gap_nat"; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "base.yaml"), []byte(rule("gap_nats > 1")), 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := policy.Load(dir, files()); err != nil || len(p.Chain) != 2 {
		t.Errorf("%v", err)
	}
	if _, err := policy.Test(dir, files()); err == nil || !strings.HasPrefix(err.Error(), filepath.Join(dir, "tests.yaml")+": no such file") {
		t.Errorf("%v", err)
	}
}
