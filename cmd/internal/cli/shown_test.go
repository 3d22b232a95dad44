package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestShownCommands parses every ftadvise command that a document shows: its verb and
// its flags exist.
func TestShownCommands(t *testing.T) {
	documents, err := filepath.Glob(filepath.Join(repository, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	documents = append(documents, filepath.Join(repository, "README.md"))
	shown := 0
	for _, path := range documents {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range commandsIn(string(text)) {
			shown++
			if err := parses(command); err != nil {
				t.Errorf("%s: %q: %v", filepath.Base(path), command, err)
			}
		}
	}
	if shown < 10 {
		t.Errorf("only %d commands found", shown)
	}
}

var command = regexp.MustCompile(`(?m)^(?:\$ )?(?:bin/)?ftadvise ([^\n#|>]*)`)

// commandsIn finds lines in code blocks that begin with the program's name.
func commandsIn(text string) []string {
	var out []string
	for i, block := range strings.Split(text, "```") {
		if i%2 == 0 {
			continue
		}
		for _, m := range command.FindAllStringSubmatch(block, -1) {
			out = append(out, strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(m[1]), "..."))) // "..." stands for more of the same
		}
	}
	return out
}

// parses finds the verb and its flags without running it.
func parses(line string) error {
	root, err := (&app{}).commands()
	if err != nil {
		return err
	}
	root.InitDefaultCompletionCmd("completion", "bash")
	cmd, rest, err := root.Find(strings.Fields(line))
	if err != nil {
		return err
	}
	if cmd == root {
		return fail(exitUsage, "", "no such verb")
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// TestReadmeLinks holds the README's links to the tree.
func TestReadmeLinks(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`\]\(([^):#]+)\)`).FindAllStringSubmatch(string(text), -1)
	if len(links) < 5 {
		t.Errorf("only %d links found", len(links))
	}
	for _, m := range links {
		if _, err := os.Stat(filepath.Join(repository, m[1])); err != nil {
			t.Errorf("%s: %v", m[1], err)
		}
	}
}
