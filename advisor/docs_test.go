package advisor_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"ftadvise/advisor"
)

// The tables in the docs are the code's own: -update rewrites them.
func TestDocs(t *testing.T) {
	holds(t, "../docs/stakes.md", "stakes", stakesTable())
	holds(t, "../docs/stakes.md", "prices", pricesTable(t))
	holds(t, "../docs/policies.md", "facts", factsTable())
}

func holds(t *testing.T, path, mark, table string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	open, end := "<!-- "+mark+" -->\n", "<!-- /"+mark+" -->"
	head, rest, ok := strings.Cut(string(data), open)
	old, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for %s", path, mark)
	}
	if old == table {
		return
	}
	if !*update {
		t.Errorf("%s: the table of %s differs from the code: go test ./advisor -run Docs -update", path, mark)
		return
	}
	if err := os.WriteFile(path, []byte(head+open+table+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

func stakesTable() string {
	var b strings.Builder
	b.WriteString("| key | unit | default | meaning |\n| --- | --- | --- | --- |\n")
	for _, k := range advisor.StakeKeys() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Key, k.Unit, k.Default, k.Text)
	}
	return b.String()
}

func pricesTable(t *testing.T) string {
	table, err := advisor.ListPrices()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "As of %s, from %s.\n\n", table.AsOf, table.Source)
	b.WriteString("| GPU | memory, GiB | $ an hour | asked |\n| --- | --- | --- | --- |\n")
	for _, p := range append(table.GPUs, table.CPUCore) {
		name := p.Name
		if name == "" {
			name = "a CPU core"
		}
		fmt.Fprintf(&b, "| %s | %g | %.2f | %.2f to %.2f |\n", name, p.MemoryGiB, p.USDPerHour, p.Low, p.High)
	}
	return strings.ReplaceAll(b.String(), "| a CPU core | 0 |", "| a CPU core | |")
}

func factsTable() string {
	var b strings.Builder
	b.WriteString("| fact | unit | meaning |\n| --- | --- | --- |\n")
	for _, f := range advisor.Vocabulary() {
		unit := f.Unit
		if unit == "" {
			unit = "share or ratio"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Name, unit, f.Text)
	}
	return b.String()
}
