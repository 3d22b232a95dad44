package reports

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"ftadvise/advisor"
	"ftadvise/calibrate/evidence"
)

// Entry is one run to compare, with its advice where there is some.
type Entry struct {
	Run            *evidence.Run
	Recommendation *advisor.Recommendation
}

// Comparison puts runs side by side.
type Comparison struct {
	Title    string       `json:"-"`
	Schema   int          `json:"schema"`
	Kind     string       `json:"kind"` // ftadvise.comparison
	Made     string       `json:"created_at,omitempty"`
	Version  string       `json:"version"`
	Redacted bool         `json:"redacted"`
	Runs     []string     `json:"runs"`
	Rows     []CompareRow `json:"rows"`
	Cautions []string     `json:"cautions,omitempty"` // what must not be compared, and why
}

// CompareRow is one fact in all runs, in the order of Runs.
type CompareRow struct {
	Group  string   `json:"group"`
	Name   string   `json:"name"`
	Values []string `json:"values"`
	Equal  bool     `json:"equal"`
}

// Compare builds the comparison of two or more runs.
func Compare(entries []Entry, opts Options) Comparison {
	c := Comparison{Schema: SchemaVersion, Kind: "ftadvise.comparison", Made: day(opts.Now), Version: opts.Version, Redacted: opts.Redact}
	var sides []*builder
	for _, e := range entries {
		v := inertRun(e.Run)
		rec := inertAdvice(e.Recommendation)
		if opts.Redact {
			v, rec = redact(v, rec)
		}
		sides = append(sides, newBuilder(v, rec, opts))
		c.Runs = append(c.Runs, v.ID)
	}
	c.Title = fmt.Sprintf("ftadvise: %s compared", plural(len(sides), "run"))
	for i, b := range sides {
		for _, f := range b.compared() {
			c.set(f, i, len(sides))
		}
	}
	for i := range c.Rows {
		c.Rows[i].Equal = len(slices.Compact(slices.Clone(c.Rows[i].Values))) == 1
	}
	c.Cautions = cautions(sides)
	return c
}

// named is a fact under a heading.
type named struct{ group, name, value string }

// set puts a value into the row of its name, which stands behind the rows of its group.
func (c *Comparison) set(f named, side, sides int) {
	at := slices.IndexFunc(c.Rows, func(r CompareRow) bool { return r.Group == f.group && r.Name == f.name })
	if at < 0 {
		at = len(c.Rows)
		for i, r := range c.Rows {
			if r.Group == f.group {
				at = i + 1
			}
		}
		values := slices.Repeat([]string{none}, sides)
		c.Rows = slices.Insert(c.Rows, at, CompareRow{Group: f.group, Name: f.name, Values: values})
	}
	c.Rows[at].Values[side] = f.value
}

func (b *builder) compared() []named {
	out := []named{{"The answer", "Answer", b.answerTitle()}}
	out = append(out, b.comparedAdvice()...)
	for _, f := range b.run.Forecasts {
		out = append(out, named{"Loss at the horizon, nats", f.Method.String(), fmt.Sprintf("%s (%s to %s)", nats(f.Loss.Mean), nats(max(0, f.Loss.P10)), nats(f.Loss.P90))})
	}
	for _, g := range b.run.Gaps {
		out = append(out, named{"Loss at the horizon, nats", g.LoRAMethod.String() + " less full", fmt.Sprintf("%s (%s to %s)", nats(g.AtHorizon.Mean), nats(g.AtHorizon.P10), nats(g.AtHorizon.P90))})
	}
	for _, t := range b.measured() {
		arm, o := t.Method.String(), t.Outcome
		out = append(out, named{"Step time, median", arm, span(zeroIsNone(o.StepSeconds.Median))},
			named{"Peak allocated memory", arm, size(zeroIsNone(float64(o.PeakAllocatedBytes)))},
			named{"Learning rate", arm, rate(t.LearningRate)})
		if len(o.EvalAccuracy) > 0 {
			out = append(out, named{"Held-out accuracy", arm, lastAccuracy(o)})
		}
	}
	return append(out, b.comparedSetup()...)
}

func (b *builder) comparedAdvice() []named {
	if b.rec == nil {
		return nil
	}
	out := []named{
		{"The answer", "P(lower total cost)", chance(b.rec.Confidence)},
		{"The answer", "Policy", b.rec.Verdict.Policy},
		{"The answer", "Rule", b.rec.Verdict.Rule},
		{"The answer", "Evidence", regimeWords(b.rec.Regime)},
	}
	if p := b.rec.PFullBetter; p != nil {
		out = append(out, named{"The answer", "P(full reaches the lower loss)", chance(*p)})
	}
	if e := b.rec.BreakEven; e != nil {
		out = append(out, named{"The answer", "Break-even worth of a nat", usd(*e)})
	}
	for _, o := range b.rec.Options {
		out = append(out, named{"Expected total, US dollars", o.Name, usdRange(o.Total)})
	}
	return out
}

func (b *builder) comparedSetup() []named {
	r := b.run
	seen, _ := b.reach()
	out := []named{
		{"Setting", "Base model", cmp.Or(r.Setup.Model.Name, none)},
		{"Setting", "Data", cmp.Or(r.Data.Name, none)},
		{"Setting", "Device", cmp.Or(r.Environment.GPU, r.Environment.CPU, none)},
		{"Setting", "Precision", cmp.Or(r.Setup.Precision, none)},
		{"Setting", "Horizon", plural(r.Setup.HorizonSteps, "step")},
		{"Setting", "Steps trained", count(seen)},
		{"Setting", "Tokens a step", count(r.Setup.StepTokens())},
		{"Setting", "Seed", fmt.Sprint(r.Setup.Seed)},
		{"Setting", "Warnings", fmt.Sprint(len(b.allWarnings()))},
		{"Setting", "Made", day(r.CreatedAt)},
	}
	if n := r.Domain.Narrowness; n != nil {
		out = append(out, named{"Setting", "Narrowness", number(*n)})
	}
	return out
}

// cautions names what differs between runs and makes figures incomparable.
func cautions(sides []*builder) []string {
	var out []string
	differ := func(of func(*evidence.Run) string) bool {
		for _, b := range sides[min(1, len(sides)):] {
			if of(b.run) != of(sides[0].run) {
				return true
			}
		}
		return false
	}
	if differ(func(r *evidence.Run) string { return r.Data.Fingerprint }) {
		out = append(out, "The runs saw different data: their losses are not comparable.")
	}
	if differ(func(r *evidence.Run) string { return r.Setup.Model.Fingerprint }) {
		out = append(out, "The runs began from different base models: losses, times and memory differ for that reason as well.")
	}
	if differ(func(r *evidence.Run) string { return fmt.Sprint(r.Setup.HorizonSteps, r.Setup.StepTokens()) }) {
		out = append(out, "The runs aim at different horizons or batches: their forecasts answer different questions.")
	}
	if differ(func(r *evidence.Run) string { return cmp.Or(r.Environment.GPU, r.Environment.CPU) + r.Setup.Precision }) {
		out = append(out, "The runs used different devices or precisions: their times and memory are not comparable.")
	}
	return out
}

// table is the comparison as one table; the group is part of the name.
func (c Comparison) table() Table {
	t := Table{Caption: "Runs side by side", Columns: textColumns(append([]string{"", "What"}, c.Runs...)...)}
	for _, r := range c.Rows {
		t.Rows = append(t.Rows, append([]string{r.Group, r.Name}, r.Values...))
	}
	return t
}

// HTML writes the comparison as one self-contained file.
func (c Comparison) HTML(w io.Writer) error { return page(w, "comparison", c) }

// Markdown writes the comparison for GitHub.
func (c Comparison) Markdown(w io.Writer) error {
	m := &markdown{}
	m.para("## " + escape(c.Title))
	m.list(c.Cautions)
	m.table(c.table())
	if _, err := w.Write(m.Bytes()); err != nil {
		return fmt.Errorf("comparison as Markdown: %w", err)
	}
	return nil
}

// JSON writes the comparison as data.
func (c Comparison) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(c); err != nil {
		return fmt.Errorf("comparison as JSON: %w", err)
	}
	return nil
}

// Width is the number of columns, the names' included.
func (c Comparison) Width() int { return len(c.Runs) + 1 }
