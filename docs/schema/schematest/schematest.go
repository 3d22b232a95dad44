// Package schematest holds the published JSON Schemas to the types that they describe.
// A test gives a type and how to reflect it; the schema goes to its file, or is compared
// with what lies there.
package schematest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"
)

// Hold derives the schema of output and compares it with the file, which update writes
// anew. An empty title leaves the schema without one.
func Hold(t *testing.T, r *jsonschema.Reflector, title, file string, output any, update bool) {
	t.Helper()
	s := r.Reflect(output)
	s.Title = title
	want, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if update {
		write(t, file, want)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from its type; run the test with -update (-is +should be):\n%s", file, cmp.Diff(string(got), string(want)))
	}
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Commented is a reflector that takes the comments of the types of packages, by their
// import path and folder.
func Commented(t *testing.T, packages map[string]string, opts ...jsonschema.CommentOption) *jsonschema.Reflector {
	t.Helper()
	r := &jsonschema.Reflector{Anonymous: true}
	for path, dir := range packages {
		if err := r.AddGoComments(path, dir, opts...); err != nil {
			t.Fatal(err)
		}
	}
	return r
}
