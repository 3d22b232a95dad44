package suite

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestDocumentTellsOfTables holds the text beside the table to it.
func TestDocumentTellsOfTables(t *testing.T) {
	table, err := wholes("curves")
	if err != nil {
		t.Fatal(err)
	}
	gone := map[bool][]int{} // in per cent, with the head and without
	for _, row := range strings.Split(table, "\n") {
		if share := regexp.MustCompile(`\| (\d+) % \|`).FindStringSubmatch(row); share != nil {
			percent, err := strconv.Atoi(share[1])
			if err != nil {
				t.Fatal(err)
			}
			head := strings.Contains(row, "lm_head")
			gone[head] = append(gone[head], percent)
		}
	}
	text, err := os.ReadFile("../../docs/decision-quality.md")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("With both, %d to %d %% of what rank 8 lacks to full is gone; with the embeddings alone, which the head then does not share, %d to %d %%.",
		slices.Min(gone[true]), slices.Max(gone[true]), slices.Min(gone[false]), slices.Max(gone[false]))
	if !strings.Contains(string(text), want) {
		t.Errorf("docs/decision-quality.md does not say: %s", want)
	}
}
