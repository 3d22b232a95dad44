package policies_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"ftadvise/advisor"
	"ftadvise/advisor/policy"
	"ftadvise/advisor/strictyaml"
	"ftadvise/policies"
)

// blocks are the YAML examples of a page.
func blocks(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, part := range strings.Split(string(data), "```yaml\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		out = append(out, block)
	}
	return out
}

// The example policy of the manual loads, and its example tests pass.
func TestManual(t *testing.T) {
	examples := blocks(t, "../docs/policies.md")
	if len(examples) != 2 {
		t.Fatalf("%d examples", len(examples))
	}
	files := fstest.MapFS{"policy.yaml": {Data: []byte(examples[0])}, "tests.yaml": {Data: []byte(examples[1])}}
	report, err := policy.TestFS(files, "policy.yaml", policies.FS())
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() {
		t.Errorf("%+v", report)
	}
	for _, text := range blocks(t, "../docs/stakes.md") {
		s := advisor.DefaultStakes()
		if err := errors.Join(strictyaml.Decode("stakes.yaml", []byte(text), &s), s.Validate()); err != nil {
			t.Error(err)
		}
	}
}

// Every built-in policy is in the manual's table.
func TestManualNamesEveryPolicy(t *testing.T) {
	data, err := os.ReadFile("../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range policies.Names() {
		if !strings.Contains(string(data), "\n| "+name+" ") {
			t.Errorf("%s is not in the manual", name)
		}
	}
}
