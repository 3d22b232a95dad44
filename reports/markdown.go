package reports

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Marker begins a Markdown report, unseen: whoever posts it finds the older one by it
// and updates that in place.
const Marker = "<!-- ftadvise-report -->"

// commentLimit is how long a comment may be on GitHub, in characters.
const commentLimit = 65_536

// Markdown writes the report for GitHub: a short summary, then each section folded.
// Sections that would carry it past what a comment holds are left out and named.
func (v View) Markdown(w io.Writer) error {
	out := &markdown{}
	out.summary(v)
	var dropped []string
	for _, s := range v.Sections() {
		folded := &markdown{}
		folded.section(s)
		if out.Len()+folded.Len() > commentLimit-1000 {
			dropped = append(dropped, s.Title)
			continue
		}
		out.Write(folded.Bytes())
	}
	if len(dropped) > 0 {
		out.para("Left out, to fit into a comment: " + escape(strings.Join(dropped, ", ")) + ". The HTML report holds them.")
	}
	out.para("Made by ftadvise " + escape(v.Version) + ".")
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("report as Markdown: %w", err)
	}
	return nil
}

// markdown collects text in GitHub's flavour.
type markdown struct{ bytes.Buffer }

func (m *markdown) para(text string) { fmt.Fprintf(m, "%s\n\n", text) }

func (m *markdown) summary(v View) {
	f := v.Front
	m.para(Marker)
	m.para("## ftadvise: " + escape(f.Answer))
	m.para(escape(f.Headline))
	if f.Caution != "" {
		m.para("> **Caution:** " + escape(f.Caution))
	}
	for _, c := range f.Chances {
		fmt.Fprintf(m, "- **%s** %s\n", escape(c.Value), escape(c.Name))
	}
	if len(f.Chances) > 0 {
		m.WriteByte('\n')
	}
	m.money(f)
	if len(f.Flips) > 0 {
		m.para("**What would flip it**")
		m.list(f.Flips)
	}
	if len(f.Flips) == 0 && f.NoFlips != "" {
		m.para("**What would flip it:** " + escape(f.NoFlips))
	}
	m.para("**How far to trust it**")
	var trust []string
	for _, t := range f.Trust {
		trust = append(trust, sentence(t))
	}
	m.list(trust)
}

func (m *markdown) money(f Front) {
	if f.Money == nil {
		m.para(escape(f.NoMoney))
		return
	}
	m.table(f.Money.Table)
	if notes := strings.TrimSpace(f.Between + " " + f.Basis); notes != "" {
		m.para(escape(notes))
	}
}

func sentence(f Fact) string {
	if f.Note == "" {
		return f.Name + ": " + f.Value
	}
	return f.Name + ": " + f.Value + " (" + f.Note + ")"
}

func (m *markdown) list(items []string) {
	for _, item := range items {
		fmt.Fprintf(m, "- %s\n", escape(item))
	}
	if len(items) > 0 {
		m.WriteByte('\n')
	}
}

func (m *markdown) section(s Section) {
	if s.Skipped != "" {
		return
	}
	fmt.Fprintf(m, "<details><summary>%s</summary>\n\n", escape(s.Title))
	m.para(escape(s.Lead))
	for _, b := range s.Blocks {
		m.block(b)
	}
	m.para("</details>")
}

func (m *markdown) block(b Block) {
	if b.Figure != nil {
		m.table(b.Figure.Table)
	}
	if b.Table != nil {
		m.table(*b.Table)
	}
	var facts []string
	for _, f := range b.Facts {
		facts = append(facts, sentence(f))
	}
	m.list(facts)
	for _, note := range b.Notes {
		m.para(escape(note))
	}
	for _, c := range b.Commands {
		m.code(c)
	}
	for _, s := range b.Samples {
		m.code(s.Prompt + "⟦" + s.Completion + "⟧")
	}
}

func (m *markdown) table(t Table) {
	if len(t.Rows) == 0 {
		return
	}
	m.WriteString("|")
	for _, c := range t.Columns {
		m.WriteString(" " + escape(c.Name) + " |")
	}
	m.WriteString("\n|")
	for _, c := range t.Columns {
		m.WriteString(map[bool]string{true: " ---: |", false: " --- |"}[c.Numeric])
	}
	for _, row := range t.Rows {
		m.WriteString("\n|")
		for _, cell := range row {
			m.WriteString(" " + escape(cell) + " |")
		}
	}
	m.WriteString("\n\n")
}

// code fences a text with more back-ticks than it holds in a row.
func (m *markdown) code(text string) {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	fmt.Fprintf(m, "%s\n%s\n%s\n\n", fence, text, fence)
}

// escape makes text show as itself: no markup, link, image, table cell or HTML comes
// of it, and nobody is mentioned. A backslash within :// and www. keeps GitHub from
// linking bare addresses; an at sign gets an invisible neighbour, since there is no
// escape for mentions.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@':
			b.WriteString("@\u2060")
		case r == '\n' || r == '\r':
			b.WriteByte(' ')
		case strings.ContainsRune("\\`*_{}[]#|~$!", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return strings.NewReplacer("://", `\://`, "www.", `www\.`, "WWW.", `WWW\.`).Replace(b.String())
}
