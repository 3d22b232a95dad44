package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"ftadvise/advisor"
	"ftadvise/reports/chart"
)

func (b *builder) costs() Section {
	s := Section{ID: "costs", Title: "Cost breakdown", Lead: "What each option is expected to cost, by kind. Every line says how it was reckoned."}
	if b.rec == nil {
		return skipped(s.ID, s.Title, noAdvice)
	}
	names := costNames(b.rec.Options) // those that cost something
	if len(names) == 0 {
		return skipped(s.ID, s.Title, "No option was priced.")
	}
	plot := chart.Bars{X: chart.Axis{Title: "US dollars, expected", Format: usdTick}}
	t := Table{Caption: "Costs by kind, expected with 80% interval", Columns: append(columns("Option", "Expected", "80% from", "80% to"), textColumns("Kind", "Basis")...)}
	for _, o := range b.rec.Options {
		bar := chart.Bar{Label: o.Name, Note: usd(o.Total.Mean)}
		for _, c := range o.Costs {
			if i := slices.Index(names, c.Name); i >= 0 {
				bar.Parts = append(bar.Parts, chart.Part{Value: c.USD.Mean, Label: c.Name, Class: fmt.Sprintf("p%d", i%8)})
			}
			t.Rows = append(t.Rows, []string{o.Name, usd(c.USD.Mean), usd(c.USD.P10), usd(c.USD.P90), c.Name, c.Basis})
		}
		t.Rows = append(t.Rows, []string{o.Name, usd(o.Total.Mean), usd(o.Total.P10), usd(o.Total.P90), "total", "sum"})
		plot.Bars = append(plot.Bars, bar)
	}
	s.Blocks = []Block{{Figure: figure("costs-chart", "Expected cost by kind", "Stacked bars: the expected cost of each option by kind.", plot, t)}}
	return s
}

// costNames lists the kinds that cost something in any option, in order of appearance.
func costNames(options []advisor.Option) []string {
	var names []string
	for _, o := range options {
		for _, c := range o.Costs {
			if c.USD.Mean != 0 && !slices.Contains(names, c.Name) {
				names = append(names, c.Name)
			}
		}
	}
	return names
}

func (b *builder) tornado() Section {
	s := Section{ID: "tornado", Title: "Sensitivity", Lead: "How far the difference of the expected totals moves when one input moves from its low to its high end. A bar that crosses zero can flip the answer."}
	if b.rec == nil || len(b.rec.Tornado) == 0 {
		return skipped(s.ID, s.Title, "The recommendation holds no sensitivities: two priced options are needed.")
	}
	swings := slices.Clone(b.rec.Tornado)
	slices.SortStableFunc(swings, func(x, y advisor.Swing) int {
		return compareDescending(math.Abs(x.HighUSD-x.LowUSD), math.Abs(y.HighUSD-y.LowUSD))
	})
	plot := chart.Swings{X: chart.Axis{Title: "LoRA's total less full's, US dollars", Format: usdTick}, Left: "LoRA cheaper", Right: "full cheaper"}
	t := Table{Caption: "LoRA's total less full's at both ends of each input", Columns: append(columns("Input", "Low", "High", "Difference at low", "Difference at high"), Column{Name: "Flips"})}
	for i, x := range swings {
		low, high := advisor.FormatFact(x.Fact, x.Low), advisor.FormatFact(x.Fact, x.High)
		if i < 10 {
			note := low + " to " + high
			if x.Flips {
				note += ", flips"
			}
			plot.Rows = append(plot.Rows, chart.Swing{Label: factWords(x.Fact), Low: x.LowUSD, High: x.HighUSD, Note: note})
		}
		t.Rows = append(t.Rows, []string{factWords(x.Fact), low, high, usd(x.LowUSD), usd(x.HighUSD), yesNo(x.Flips)})
	}
	s.Blocks = []Block{{Figure: figure("tornado-chart", "Sensitivity of the cost difference", "Tornado: the inputs that move the difference most come first.", plot, t)}}
	if f := b.flipTable(); f != nil {
		s.Blocks = append(s.Blocks, Block{Table: f})
	}
	return s
}

// flipTable lists every fact that would change the answer.
func (b *builder) flipTable() *Table {
	if len(b.rec.Flips) == 0 {
		return nil
	}
	t := Table{Caption: "What would flip the answer", Columns: append(columns("Fact", "Now", "Flips at"), textColumns("To", "In words")...)}
	for _, f := range b.rec.Flips {
		t.Rows = append(t.Rows, []string{factWords(f.Fact), advisor.FormatFact(f.Fact, f.Now), advisor.FormatFact(f.Fact, f.At), advisor.Call(f.Answer), f.Text})
	}
	t = t.compact()
	return &t
}

func compareDescending(a, b float64) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}

// factWords is a fact's name for a reader who does not write policies.
func factWords(name string) string {
	switch name {
	case "usd_per_nat":
		return "worth of a nat"
	case "gap_nats":
		return "difference of the losses"
	case "usd_per_gpu_hour":
		return "price of a GPU hour"
	case "months":
		return "months of service"
	case "tasks":
		return "tasks on one base model"
	case "base_changes_per_year":
		return "new base models a year"
	}
	return strings.ReplaceAll(name, "_", " ")
}

func yesNo(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}

// line is an option's total as a function of the price of a nat.
type line struct {
	name        string
	base, slope float64
}

func (b *builder) breakEven() Section {
	s := Section{ID: "break-even", Title: "Break-even price of accuracy", Lead: "Expected total of each option against what a nat of held-out loss is worth. The lower line is the better choice there."}
	if b.rec == nil || len(b.rec.Options) < 2 {
		return skipped(s.ID, s.Title, "Two priced options are needed.")
	}
	now := b.nowUSDPerNat()
	lines := b.priceLines(now)
	if len(lines) < 2 {
		return skipped(s.ID, s.Title, "The options' losses are not known, so the price of accuracy does not matter yet.")
	}
	top := 2 * now
	if e := b.rec.BreakEven; e != nil && *e > 0 {
		top = min(max(top, 1.5**e), 20*math.Max(now, 1))
	}
	return b.breakEvenFigure(s, lines, now, math.Max(top, 1))
}

func (b *builder) nowUSDPerNat() float64 {
	if v, ok := b.rec.Features["usd_per_nat"]; ok {
		return v
	}
	return b.rec.Stakes.USDPerNat
}

// priceLines takes each option's cost of accuracy as proportional to the price of a
// nat, which is how it is billed: price times the loss above the best arm's.
func (b *builder) priceLines(now float64) []line {
	var lines []line
	for _, o := range b.rec.Options {
		if o.Loss == nil || now <= 0 || bad(o.Total.Mean) {
			continue
		}
		accuracy := 0.0
		for _, c := range o.Costs {
			if c.Name == advisor.Accuracy {
				accuracy = c.USD.Mean
			}
		}
		lines = append(lines, line{name: o.Name, base: o.Total.Mean - accuracy, slope: accuracy / now})
	}
	return lines
}

// cheapest names the lower line at a price.
func cheapest(lines []line, at float64) string {
	best := lines[0]
	for _, l := range lines[1:] {
		if l.base+l.slope*at < best.base+best.slope*at {
			best = l
		}
	}
	return best.name
}

func (b *builder) breakEvenFigure(s Section, lines []line, now, top float64) Section {
	plot := chart.Lines{X: chart.Axis{Title: "worth of one nat, US dollars", Format: usdTick, Zero: true}, Y: chart.Axis{Format: usdTick},
		Marks: []chart.Mark{{X: now, Label: "now " + usd(now)}}}
	names := []string{"Worth of a nat"}
	for _, l := range lines {
		plot.Series = append(plot.Series, chart.Series{Label: l.name, Class: b.class(l.name),
			Points: []chart.Point{{X: 0, Y: l.base}, {X: top, Y: l.base + l.slope*top}}})
		names = append(names, l.name)
	}
	t := Table{Caption: "Expected total by the worth of a nat", Columns: columns(names...)}
	for i := range 9 {
		x := top * float64(i) / 8
		row := []string{usd(x)}
		for _, l := range lines {
			row = append(row, usd(l.base+l.slope*x))
		}
		t.Rows = append(t.Rows, row)
	}
	note := "No worth of a nat above zero makes the options cost the same: " + cheapest(lines, now) + " is the cheaper at every one."
	if e := b.rec.BreakEven; e != nil {
		note = "The options cost the same at " + usd(*e) + " a nat; it is now " + usd(now) + "."
		if *e > 0 && *e <= top {
			plot.Marks = append(plot.Marks, chart.Mark{X: *e, Label: "same cost " + usd(*e)})
		}
	}
	fig := figure("break-even-chart", "Total by the worth of a nat", "Lines: expected total of each option by the worth of a nat. "+note, plot, t)
	s.Blocks = []Block{{Figure: fig}, {Notes: []string{note}}}
	return s
}
