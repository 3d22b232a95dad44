package cli

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "rewrite docs/cli.md")

const repository = "../../.."

// TestManual holds docs/cli.md equal to what the program's help says.
func TestManual(t *testing.T) {
	a := &app{}
	root, err := a.commands()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	b.WriteString("# ftadvise, verb by verb\n\nA test writes this page from the program's help. What each setting means stands in\n[config.yaml](../config.yaml); exit codes are at the end.\n")
	fmt.Fprintf(&b, "\nFlags of every verb:\n\n```\n%s```\n", root.PersistentFlags().FlagUsages())
	describe(&b, root)
	b.WriteString(codes)
	path := filepath.Join(repository, "docs", "cli.md")
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.String(), string(got)); diff != "" {
		t.Errorf("docs/cli.md is stale; run go test ./cmd/internal/cli -update\n%s", diff)
	}
}

// describe writes one verb and those below it.
func describe(b *bytes.Buffer, cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		if c.HasSubCommands() && c.Parent().Parent() == nil || !c.HasSubCommands() {
			use := strings.TrimPrefix(c.CommandPath()+strings.TrimPrefix(c.Use, c.Name()), "ftadvise ")
			fmt.Fprintf(b, "\n## %s\n\n%s.\n", use, strings.ToUpper(c.Short[:1])+c.Short[1:])
			if flags := groupedFlags(c.LocalNonPersistentFlags()); flags != "" {
				fmt.Fprintf(b, "\n```\n%s```\n", strings.TrimPrefix(flags, "\n"))
			}
		}
		describe(b, c)
	}
}

const codes = `
## Exit codes

| code | meaning |
| --- | --- |
| 0 | done |
| 1 | a bug in ftadvise |
| 2 | usage: unknown verb, flag or argument |
| 3 | bad input: model, data, settings or policy; the error names file, tensor or line |
| 4 | a gate is not met, or no verdict where one was required |
| 5 | the environment: driver, libtorch, rights, disk, port |
| 6 | does not fit in memory at the smallest setting |
| 7 | the engine died or hung; the run can be resumed |
| 8 | the store is busy or damaged |
| 130, 143 | interrupted or terminated; the run can be resumed |
`

// TestArchitecturePaths holds docs/architecture.md to the tree: each path in backticks
// exists.
func TestArchitecturePaths(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	paths := regexp.MustCompile("`([a-z][\\w.-]*(?:/[\\w.-]+)+|[\\w.-]+\\.(?:go|yaml|md))`").FindAllStringSubmatch(string(text), -1)
	if len(paths) < 20 {
		t.Errorf("only %d paths found", len(paths))
	}
	for _, m := range paths {
		if _, err := os.Stat(filepath.Join(repository, m[1])); err != nil {
			t.Errorf("%s: %v", m[1], err)
		}
	}
}
