package hf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// docs/models.md lists each family, and no other.
func TestFamiliesAreDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "models.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Families() {
		row := fmt.Sprintf("| `%s` | %s | %s | %s |\n", f.ModelType, f.Name, f.Class, strings.ReplaceAll(f.DefaultTargets, ",", ", "))
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/models.md lacks the row %q", row)
		}
	}
	if rows := strings.Count(string(page), "\n| `"); rows != len(Families()) {
		t.Errorf("docs/models.md has %d architectures, the code %d", rows, len(Families()))
	}
}
