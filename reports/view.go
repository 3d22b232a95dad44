package reports

import (
	"slices"
	"time"

	"ftadvise/advisor"
	"ftadvise/calibrate/evidence"
	"ftadvise/reports/chart"
)

// Options say how a report is made.
type Options struct {
	Now     time.Time // when the report is made; zero leaves it out
	Version string    // of the program that makes it
	// Redact leaves out data samples, file and host names, and label names.
	Redact bool
	// DashboardURL, if given, is linked with the run's ID as ?var-run=.
	DashboardURL string
	// Decider draws the decision map: it is asked what it would say of other model
	// sizes and narrownesses. nil leaves the map out.
	Decider advisor.Decider
}

// View is a report before it is printed.
type View struct {
	Title     string
	Run       string // ID
	Made      string
	Version   string
	Redacted  bool
	Dashboard string
	Front     Front
	Parts     []Part
	document  Document
}

// Part groups sections in the table of contents.
type Part struct {
	Title    string
	Sections []Section
}

// Front is the first screen: what a reader knows after a minute.
type Front struct {
	Tone     string // which colour: full, lora, open, stop
	Answer   string
	Headline string
	Chances  []Fact // probabilities, printed large
	Money    *Figure
	NoMoney  string // why Money is nil
	Basis    string // what the totals rest on
	Between  string // how far the totals of the two methods lie apart
	Flips    []string
	NoFlips  string // why Flips is empty
	Trust    []Fact
	Caution  string // the one doubt that a reader must not miss
}

// Section is one heading of the report. It has blocks, or says why it has none.
type Section struct {
	ID, Title string
	Lead      string
	Blocks    []Block
	Skipped   string
}

// Block is one piece of a section; one field is set.
type Block struct {
	Figure   *Figure
	Table    *Table
	Facts    []Fact
	Notes    []string
	Commands []string
	Samples  []evidence.Sample
}

// Figure is a picture with its numbers.
type Figure struct {
	ID           string
	Title, Alt   string
	Note         string
	Keys         []chart.Key
	Wide, Narrow chart.Chart
	Table        Table
}

// Table has named columns; the first cell of a row names it.
type Table struct {
	Caption string
	Columns []Column
	Rows    [][]string
	Folded  bool // shown on demand: for looking up, not for reading
}

// Column is a heading; numeric columns stand to the right.
type Column struct {
	Name    string
	Numeric bool
}

// Fact is a name with a value.
type Fact struct{ Name, Value, Note string }

// Widths in pixels at which figures are laid out: for a desk and for a phone.
const (
	wideChart   = 800
	narrowChart = 350
)

// New builds the report of a run. rec may be nil: a calibration without advice.
func New(run *evidence.Run, rec *advisor.Recommendation, opts Options) View {
	if run == nil {
		run = &evidence.Run{}
	}
	run, rec = inertRun(run), inertAdvice(rec)
	if opts.Redact {
		run, rec = redact(run, rec)
	}
	b := newBuilder(run, rec, opts)
	v := View{
		Title:    "ftadvise: " + b.answerTitle(),
		Run:      run.ID,
		Made:     day(opts.Now),
		Version:  opts.Version,
		Redacted: opts.Redact,
		Front:    b.front(),
		Parts:    b.parts(),
	}
	v.Dashboard = dashboardLink(opts.DashboardURL, run.ID)
	v.document = b.document(v)
	return v
}

// Sections lists all sections in order.
func (v View) Sections() []Section {
	var out []Section
	for _, p := range v.Parts {
		out = append(out, p.Sections...)
	}
	return out
}

// figure lays a plot out at both widths.
func figure(id, title, alt string, plot chart.Plot, table Table) *Figure {
	return &Figure{ID: id, Title: title, Alt: alt, Keys: plot.Legend(),
		Wide: plot.Draw(wideChart), Narrow: plot.Draw(narrowChart), Table: table.compact()}
}

// compact leaves out columns of text in which nothing stands.
func (t Table) compact() Table {
	keep := make([]bool, len(t.Columns))
	for i, c := range t.Columns {
		keep[i] = c.Numeric || i == 0 || slices.ContainsFunc(t.Rows, func(row []string) bool { return row[i] != "" })
	}
	out := Table{Caption: t.Caption, Folded: t.Folded, Columns: kept(t.Columns, keep)}
	for _, row := range t.Rows {
		out.Rows = append(out.Rows, kept(row, keep))
	}
	return out
}

func kept[T any](row []T, keep []bool) []T {
	var out []T
	for i, v := range row {
		if keep[i] {
			out = append(out, v)
		}
	}
	return out
}

// columns makes headings: the first is text, the others are numeric.
func columns(names ...string) []Column {
	out := make([]Column, len(names))
	for i, n := range names {
		out[i] = Column{Name: n, Numeric: i > 0}
	}
	return out
}

// textColumns makes headings that all stand to the left.
func textColumns(names ...string) []Column {
	out := make([]Column, len(names))
	for i, n := range names {
		out[i] = Column{Name: n}
	}
	return out
}

// Class is the style of a cell: numbers to the right, long texts in a wide column.
func (t Table) Class(column int, cell string) string {
	switch {
	case column < len(t.Columns) && t.Columns[column].Numeric:
		return "num"
	case len(cell) > 30:
		return "wide"
	}
	return "txt"
}
