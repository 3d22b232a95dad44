// Package docs_test holds the dependencies page equal to go.mod and to what is imported.
package docs_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const root = ".."

// TestDependenciesPage holds dependencies.md, go.mod and the imports of the code equal.
// What is imported is asked of the code, not of go.mod's "indirect" remarks: those are
// only right after a tidy.
func TestDependenciesPage(t *testing.T) {
	required := requirements(t)
	listed := rows(t)
	imported := importedModules(t, required)
	for module := range imported {
		switch version, ok := listed[module]; {
		case !ok:
			t.Errorf("dependencies.md has no row for %s %s", module, required[module])
		case version != required[module]:
			t.Errorf("dependencies.md says %s %s, go.mod %s", module, version, required[module])
		}
	}
	for module := range listed {
		if !imported[module] {
			t.Errorf("dependencies.md lists %s, which no file imports", module)
		}
	}
}

// requirements are go.mod's modules and versions.
func requirements(t *testing.T) map[string]string {
	return pairs(t, filepath.Join(root, "go.mod"), regexp.MustCompile(`(?m)^(?:require )?\t?(\S+\.\S+/\S+) (v\S+)`))
}

// rows are the modules and versions of the page's first table.
func rows(t *testing.T) map[string]string {
	return pairs(t, "dependencies.md", regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (v\\S+) \\|"))
}

func pairs(t *testing.T, path string, pattern *regexp.Regexp) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, m := range pattern.FindAllStringSubmatch(string(text), -1) {
		found[m[1]] = m[2]
	}
	if len(found) == 0 {
		t.Fatalf("%s: no modules found", path)
	}
	return found
}

// importedModules are the required modules that a Go file of this repository imports.
func importedModules(t *testing.T, required map[string]string) map[string]bool {
	t.Helper()
	imported := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == ".git"):
			return filepath.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if module := moduleOf(name, required); module != "" {
				imported[module] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return imported
}

// moduleOf is the longest required module that holds the package, or nothing.
func moduleOf(name string, required map[string]string) string {
	best := ""
	for module := range required {
		if (name == module || strings.HasPrefix(name, module+"/")) && len(module) > len(best) {
			best = module
		}
	}
	return best
}
