package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDocs holds docs/data.md to the formats, shapes and fields that are known.
func TestDocs(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "data.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	for _, name := range Formats() {
		if !strings.Contains(page, "| "+name) && !strings.Contains(page, ", "+name+" |") {
			t.Errorf("the format %s is not told", name)
		}
	}
	for _, name := range Shapes() {
		if !strings.Contains(page, "\n| "+name+" |") {
			t.Errorf("the shape %s is not told", name)
		}
	}
	for _, l := range layouts() {
		for role, field := range rolesIn(l.need) {
			if !strings.Contains(page, "`"+field+"`") {
				t.Errorf("%s: the field %s for %s is not told", l.shape, field, role)
			}
		}
	}
}
