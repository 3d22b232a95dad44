package advisor

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

// Difference is what changed between two recommendations.
type Difference struct {
	Before, After string // the runs
	// Changed reports whether the answer, its method, or the rule that gave it changed.
	Changed bool
	Summary string // one sentence
	Rows    []DifferenceRow
}

// DifferenceRow is one thing that changed.
type DifferenceRow struct {
	Group  string // verdict, money, evidence, stakes, warnings
	What   string
	Before string // "-" where it was absent
	After  string
}

// Diff compares two recommendations: what they answer, what that costs, and which
// facts and stakes changed. Facts that moved by less than a thousandth are left out.
func Diff(before, after *Recommendation) Difference {
	d := Difference{Before: before.Run, After: after.Run}
	x, y := before.Verdict, after.Verdict
	d.Changed = x.Answer != y.Answer || x.Method != y.Method || x.Rule != y.Rule
	d.verdict(before, after)
	d.money(before, after)
	d.facts("evidence", before, after, false)
	d.facts("stakes", before, after, true)
	d.warnings(before, after)
	d.Summary = summary(before, after)
	return d
}

func summary(before, after *Recommendation) string {
	x, y := before.Verdict, after.Verdict
	switch {
	case x.Answer != y.Answer:
		return fmt.Sprintf("the answer changed from %s to %s", methodOr(x), methodOr(y))
	case x.Method != y.Method:
		return fmt.Sprintf("still %s, but %s instead of %s", x.Answer, y.Method, x.Method)
	case x.Rule != y.Rule:
		return fmt.Sprintf("still %s, by rule %s instead of %s", methodOr(x), y.Rule, x.Rule)
	}
	return fmt.Sprintf("still %s, now %s sure (before: %s)", methodOr(x), percent(y.Confidence), percent(x.Confidence))
}

func methodOr(v Verdict) string {
	if v.Method.Kind != "" {
		return v.Method.String()
	}
	return string(v.Answer)
}

func (d *Difference) row(group, what, before, after string) {
	if before != after {
		d.Rows = append(d.Rows, DifferenceRow{group, what, before, after})
	}
}

func (d *Difference) verdict(a, b *Recommendation) {
	x, y := a.Verdict, b.Verdict
	d.row("verdict", "answer", string(x.Answer), string(y.Answer))
	d.row("verdict", "method", methodOr(x), methodOr(y))
	d.row("verdict", "policy", x.Policy, y.Policy)
	d.row("verdict", "rule", x.Rule, y.Rule)
	d.row("verdict", "confidence", percent(x.Confidence), percent(y.Confidence))
	d.row("verdict", "break-even", optionalUSD(a.BreakEven), optionalUSD(b.BreakEven))
}

func optionalUSD(v *float64) string {
	if v == nil {
		return "-"
	}
	return usd(*v) + " a nat"
}

func (d *Difference) money(a, b *Recommendation) {
	x, y := totals(a), totals(b)
	for _, name := range union(x, y) {
		d.row("money", name+" in all", dollars(x, name), dollars(y, name))
	}
}

func totals(r *Recommendation) map[string]float64 {
	out := map[string]float64{}
	for _, o := range r.Options {
		if len(o.Costs) > 0 {
			out[o.Name] = o.Total.Mean
		}
	}
	return out
}

func dollars(m map[string]float64, name string) string {
	v, ok := m[name]
	if !ok {
		return "-"
	}
	return usd(v)
}

// facts compares features: the stakes' own, or all others. Bills and what follows from
// them are left out, since money has its rows.
func (d *Difference) facts(group string, a, b *Recommendation, stakes bool) {
	own := map[string]bool{}
	for _, f := range stakeFacts() {
		own[f.Name] = true
	}
	for _, name := range union(a.Features, b.Features) {
		if own[name] != stakes || (!stakes && strings.Contains(name, "_usd") && name != "usd_per_gpu_hour") {
			continue
		}
		x, inA := a.Features[name]
		y, inB := b.Features[name]
		if inA && inB && math.Abs(x-y) <= 1e-3*math.Max(math.Abs(x), math.Abs(y)) {
			continue
		}
		d.row(group, name, factOr(name, x, inA), factOr(name, y, inB))
	}
}

func factOr(name string, v float64, ok bool) string {
	if !ok {
		return "-"
	}
	return FormatFact(name, v)
}

func (d *Difference) warnings(a, b *Recommendation) {
	x, y := map[string]string{}, map[string]string{}
	for _, w := range a.Warnings {
		x[w.Code] = "warned"
	}
	for _, w := range b.Warnings {
		y[w.Code] = "warned"
	}
	for _, code := range union(x, y) {
		d.row("warnings", code, dashed(x[code]), dashed(y[code]))
	}
}

func dashed(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func union[V any](a, b map[string]V) []string {
	var names []string
	for name := range a {
		names = append(names, name)
	}
	for name := range b {
		if _, both := a[name]; !both {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// Markdown prints the difference for a pull-request comment: the sentence, then a
// folded table.
func (d Difference) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n", markdown(capital(d.Summary)))
	if len(d.Rows) == 0 {
		b.WriteString("\nNothing else changed.\n")
		return b.String()
	}
	fmt.Fprintf(&b, "\n<details><summary>%d changes between %s and %s</summary>\n\n", len(d.Rows), markdown(d.Before), markdown(d.After))
	b.WriteString("| | what | before | after |\n| --- | --- | --- | --- |\n")
	for _, r := range d.Rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", markdown(r.Group), markdown(r.What), markdown(r.Before), markdown(r.After))
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// markdown makes a text inert: no cell, link, tag or emphasis begins in it.
func markdown(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case strings.ContainsRune("\\`*_{}[]<>|#~!&", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f || (r >= 0x80 && r <= 0x9f) || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069):
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
