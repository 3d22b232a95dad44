package suite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ftadvise/calibrate/embedded/distribution"
)

// distro writes a small tree like a Go distribution's.
func distro(t *testing.T) Sources {
	t.Helper()
	root := t.TempDir()
	comment := "// Package names things at length, so that what it says reads like a sentence of prose and counts.\n"
	files := map[string]string{
		"src/testdata/Isaac.Newton-Opticks.txt":           "Light is refrangible.\n",
		"src/hash/add_amd64.s":                            "TEXT ·Add(SB) // adds\n\tADDQ AX, BX\n\tRET\n",
		"src/cmd/go/testdata/script/a.txt":                "go build\nstderr 'x'\n",
		"src/cmd/go/testdata/script/zero.txt":             "a\x00b",
		"api/go1.txt":                                     "pkg io, func Copy\n",
		"doc/spec.html":                                   "<h1>Spec</h1>\n",
		"src/a/testdata/v.json":                           "{\"a\": 1}\n",
		"src/cmd/asm/internal/asm/testdata/avx512enc/f.s": "\tVADDPD Z1, Z2, Z3 // 62f1\n",
	}
	for i := range 60 {
		dir := "src/p" + strings.Repeat("q", i)
		files[dir+"/x.go"] = comment + "// It is number " + strings.Repeat("i", i) + ".\npackage x\n\nfunc F() int { return 1 }\n"
	}
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Sources{Root: root}
}

func TestSources(t *testing.T) {
	from := distro(t)
	for name, want := range map[string]string{
		"opticks": "refrangible", "assembly": "ADDQ AX", "gosource": "func F()", "comments": "It is number", "scripts": "go build",
		"signatures": "func Copy", "html": "<h1>", "json": `"a"`, "opcodes": "62f1",
	} {
		domains, err := Domains([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		text, err := domains[0].Text(from)
		again, _ := domains[0].Text(from)
		if err != nil || !strings.Contains(text, want) || text != again {
			t.Errorf("%s: %v: %.200q", name, err, text)
		}
	}
	assembly, err := from.assembly()
	if err != nil || strings.Contains(assembly, "adds") {
		t.Errorf("%v: comments in %q", err, assembly)
	}
	code, err := from.goSource()
	if err != nil || strings.Contains(code, "number") {
		t.Errorf("%v: comments in %.200q", err, code)
	}
	scripts, err := from.scripts()
	if err != nil || strings.Contains(scripts, "\x00") {
		t.Errorf("%v: %q", err, scripts)
	}
}

// TestCommentsAreNotTheCorpus: the bases must not have read what they are tuned on.
func TestCommentsAreNotTheCorpus(t *testing.T) {
	from := distro(t)
	comments, err := from.comments()
	if err != nil {
		t.Fatal(err)
	}
	goFiles, _, err := distribution.Files(filepath.Join(from.Root, "src"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range goFiles {
		text, err := distribution.Prose(filepath.Join(from.Root, "src", path), map[string]bool{})
		if err != nil {
			t.Fatal(err)
		}
		if near := distribution.Share(path) == "near"; near != strings.Contains(comments, text) {
			t.Errorf("%s: near is %v", path, near)
		}
	}
}

func TestMissingDistribution(t *testing.T) {
	from := Sources{Root: t.TempDir()}
	for _, d := range domains() {
		if _, err := d.Text(from); err == nil && !generated(d) {
			t.Errorf("%s was made of nothing", d.Name)
		}
	}
}

func generated(d Domain) bool {
	return d.Family == "facts" || d.Family == "orders" || d.Family == "grammar" || d.Family == "arithmetic"
}
