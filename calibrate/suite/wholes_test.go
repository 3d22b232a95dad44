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
	gone := map[string][]int{} // in per cent, by what is trained whole
	for _, row := range strings.Split(table, "\n") {
		if share := regexp.MustCompile(`\| lora-r8 \+ ([^|]+) \|.*\| (\d+) % \|`).FindStringSubmatch(row); share != nil {
			percent, err := strconv.Atoi(share[2])
			if err != nil {
				t.Fatal(err)
			}
			gone[share[1]] = append(gone[share[1]], percent)
		}
	}
	text, err := os.ReadFile("../../docs/decision-quality.md")
	if err != nil {
		t.Fatal(err)
	}
	span := func(tables string) string {
		return fmt.Sprintf("%d to %d %%", slices.Min(gone[tables]), slices.Max(gone[tables]))
	}
	want := "With both, " + span("embed_tokens + lm_head") + " of what rank 8 lacks to full is gone; with the head alone " + span("lm_head") +
		", with the embeddings alone " + span("embed_tokens") + "."
	if !strings.Contains(string(text), want) {
		t.Errorf("docs/decision-quality.md does not say: %s", want)
	}
}
