package reports

import "strings"

// Summary is the answer in a few lines of plain text, fit for a terminal and for
// pasting into a chat.
func (v View) Summary() string {
	f := v.Front
	var b strings.Builder
	line := func(parts ...string) { b.WriteString(strings.Join(parts, "") + "\n") }
	line("ftadvise: ", f.Answer)
	line("  ", f.Headline)
	for _, c := range f.Chances {
		line("  ", c.Value, " ", c.Name)
	}
	if f.Money != nil {
		for _, row := range f.Money.Table.Rows {
			if row[1] == none {
				line("  ", row[0], ": not priced")
				continue
			}
			line("  ", row[0], ": ", row[1], " (80%: ", row[2], " to ", row[3], ")")
		}
		if f.Between != "" {
			line("  ", f.Between)
		}
		if f.Basis != "" {
			line("  ", f.Basis)
		}
	}
	if len(f.Flips) > 0 {
		line("  flips: ", strings.Join(f.Flips[:min(2, len(f.Flips))], "; "))
	}
	var trust []string
	for _, t := range f.Trust {
		trust = append(trust, strings.ToLower(t.Name[:1])+t.Name[1:]+" "+t.Value)
	}
	line("  trust: ", strings.Join(trust, "; "))
	if f.Caution != "" {
		line("  caution: ", f.Caution)
	}
	return b.String()
}
