package reports_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"ftadvise/reports"
)

// recipe is the comment step of the workflow in docs/pull-requests.md.
func recipe(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../docs/pull-requests.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	workflow, _, _ := strings.Cut(rest, "```")
	var parsed struct {
		Jobs map[string]struct {
			Steps []struct{ Name, Run string }
		}
	}
	if err := yaml.Unmarshal([]byte(workflow), &parsed); err != nil {
		t.Fatal(err)
	}
	for _, s := range parsed.Jobs["advise"].Steps {
		if s.Name == "comment" {
			return s.Run
		}
	}
	t.Fatal("the workflow has no step named comment")
	return ""
}

// The recipe posts a comment once and updates it from then on.
func TestPullRequestRecipeUpdatesInPlace(t *testing.T) {
	script := recipe(t)
	if !strings.Contains(script, reports.Marker) {
		t.Errorf("the recipe looks for something else than %s", reports.Marker)
	}
	for existing, want := range map[string]string{
		"":   "--method POST repos/some/repo/issues/7/comments",
		"42": "--method PATCH repos/some/repo/issues/comments/42",
	} {
		dir := t.TempDir()
		fake := "#!/bin/sh\ncase \"$*\" in *--jq*) echo \"$EXISTING\" ;; *) echo \"$@\" >> \"$CALLS\" ;; esac\n"
		if err := os.WriteFile(filepath.Join(dir, "gh"), []byte(fake), 0o700); err != nil {
			t.Fatal(err)
		}
		calls := filepath.Join(dir, "calls")
		cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script)
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "REPOSITORY=some/repo", "NUMBER=7", "EXISTING=" + existing, "CALLS=" + calls}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		got, err := os.ReadFile(calls)
		if err != nil || !strings.Contains(string(got), want) || strings.Count(string(got), "\n") != 1 {
			t.Errorf("with comment %q: %q %v, want %q", existing, got, err, want)
		}
	}
}
