package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// table is rows of text under a heading, printed as aligned columns or as Markdown.
// Facts, one a row, need no heading.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// writeTable prints a table for people: aligned, or as Markdown.
func (a *app) writeTable(t table, output string) error {
	if output == "markdown" {
		return t.markdown(a.out)
	}
	return t.aligned(a.out)
}

// aligned pads every column but the last.
func (t table) aligned(w io.Writer) error {
	all := t.rows
	if t.head != nil {
		all = append([][]string{upper(t.head)}, t.rows...)
	}
	if len(all) == 0 {
		return nil
	}
	width := make([]int, len(all[0]))
	for _, row := range all {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(printable(cell)))
		}
	}
	for _, row := range all {
		var b strings.Builder
		for i, cell := range row {
			if i == len(row)-1 {
				b.WriteString(printable(cell))
				break
			}
			fmt.Fprintf(&b, "%-*s  ", width[i], printable(cell))
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

func upper(head []string) []string {
	out := make([]string, len(head))
	for i, h := range head {
		out[i] = strings.ToUpper(h)
	}
	return out
}

// markdown prints a pipe table whose cells cannot break out of it.
func (t table) markdown(w io.Writer) error {
	escape := strings.NewReplacer(`\`, `\\`, "|", `\|`, "`", "\\`", "<", "&lt;", "[", `\[`, "*", `\*`, "_", `\_`)
	head := t.head
	if head == nil && len(t.rows) > 0 {
		head = make([]string, len(t.rows[0]))
	}
	rule := slices.Repeat([]string{"---"}, len(head))
	for i, row := range append([][]string{head, rule}, t.rows...) {
		cells := make([]string, len(row))
		for j, cell := range row {
			if cells[j] = printable(cell); i != 1 {
				cells[j] = escape.Replace(cells[j])
			}
		}
		if _, err := fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")); err != nil {
			return err
		}
	}
	return nil
}

// writeJSON prints one value, indented.
func (a *app) writeJSON(value any) error {
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	return enc.Encode(value)
}

// sortedKeys lists a map's keys in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
