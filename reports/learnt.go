package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"ftadvise/calibrate/evidence"
	"ftadvise/reports/chart"
)

func (b *builder) search() Section {
	s := Section{ID: "search", Title: "Learning-rate search", Lead: "Held-out loss at the end of each search trial. Each method gets the rate that suits it; a comparison at one rate would be unfair to one of them."}
	byArm := map[string][]chart.Point{}
	t := Table{Caption: "Learning rates tried", Columns: append(columns("Arm", "Learning rate", "Steps", "Held-out loss"), Column{Name: "Outcome"})}
	for _, x := range b.run.Trials {
		if x.Stage != evidence.StageSearch {
			continue
		}
		loss := none
		if p, ok := x.Outcome.LastEval(); ok {
			loss = nats(p.Loss)
			arm := x.Method.String()
			byArm[arm] = append(byArm[arm], chart.Point{X: x.LearningRate, Y: p.Loss})
		}
		if len(t.Rows) < trialsLimit {
			t.Rows = append(t.Rows, []string{x.Method.String(), rate(x.LearningRate), count(x.Outcome.Steps), loss, string(x.Outcome.Status)})
		}
	}
	if len(byArm) == 0 {
		return skipped(s.ID, s.Title, "No learning rate was searched: the prior, or the given rate, was taken.")
	}
	plot := chart.Lines{X: chart.Axis{Title: "learning rate (logarithmic)", Log: true, Format: rateTick}, Y: chart.Axis{Format: number}, Focus: 0.9}
	for _, arm := range b.inOrder(byArm) {
		points := byArm[arm]
		slices.SortFunc(points, func(p, q chart.Point) int { return -compareDescending(p.X, q.X) })
		plot.Series = append(plot.Series, chart.Series{Label: arm, Class: b.class(arm), Points: points, Markers: true})
	}
	s.Blocks = []Block{{Figure: figure("search-chart", "Loss by learning rate", "Held-out loss by learning rate, a line for each arm.", plot, t)}}
	return s
}

// inOrder lists arms by their colour.
func (b *builder) inOrder(arms map[string][]chart.Point) []string {
	var out []string
	for arm := range arms {
		out = append(out, arm)
	}
	slices.SortFunc(out, func(x, y string) int {
		if d := b.colour(x) - b.colour(y); d != 0 {
			return d
		}
		return slices.Compare([]byte(x), []byte(y))
	})
	return out
}

func rateTick(v float64) string { return fmt.Sprintf("%.0e", v) }

func (b *builder) domain() Section {
	s := Section{ID: "domain", Title: "Narrowness and capacity", Lead: "How far the data lie from what the base model knows, and whether the adapter can hold what there is to learn."}
	facts := b.run.DomainFacts()
	if len(facts) == 0 {
		return skipped(s.ID, s.Title, "The data's narrowness was not measured in this run.")
	}
	t := Table{Caption: "What is known of the data", Columns: []Column{{Name: "Fact"}, {Name: "Value", Numeric: true}, {Name: "What it says"}, {Name: "Standing"}}}
	for _, f := range facts {
		t.Rows = append(t.Rows, []string{f.Title, domainValue(f), f.Text, string(f.Standing)})
	}
	d := b.run.Domain
	s.Blocks = []Block{{Table: &t}, {Notes: []string{"A descriptive fact describes; only a predictive one was shown to foretell which method ends better."}}}
	if t := tokenTable(d); t != nil {
		s.Blocks = append(s.Blocks, Block{Table: t})
	}
	if fig := capacityFigure(d); fig != nil {
		s.Blocks = append(s.Blocks, Block{Figure: fig})
	}
	return s
}

// domainValue prints a fact by the unit that its name ends in.
func domainValue(f evidence.DomainFact) string {
	switch {
	case strings.HasSuffix(f.Name, "_nats"):
		return nats(f.Value)
	case f.Name == "demand_bits", f.Name == "capacity_bits":
		return bits(f.Value)
	case strings.HasSuffix(f.Name, "_ratio") && f.Name != "narrowness_ratio" && f.Name != "type_token_ratio":
		return percent(f.Value)
	}
	return number(f.Value)
}

// tokenTable shows how the base model's loss is spread over tokens.
func tokenTable(d evidence.Domain) *Table {
	t := Table{Caption: "The base model's loss by token, in nats", Columns: columns("Text", "Tokens", "Mean", "10%", "50%", "90%", "99%", "Above guessing", "On the worst tenth")}
	for _, row := range []struct {
		name string
		loss *evidence.TokenLosses
	}{{"these data", d.TokenLoss}, {"general text", d.GeneralTokenLoss}} {
		if l := row.loss; l != nil {
			t.Rows = append(t.Rows, []string{row.name, count(l.Tokens), nats(l.Mean), number(l.P10), number(l.P50), number(l.P90), number(l.P99), percent(l.AboveUniform), percent(l.WorstTenth)})
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return &t
}

func bits(v float64) string {
	if v < 0 {
		return none
	}
	return params(v) + " bits"
}

func capacityFigure(d evidence.Domain) *Figure {
	if d.DemandBits == nil || d.CapacityBits == nil || *d.DemandBits <= 0 || *d.CapacityBits <= 0 {
		return nil
	}
	plot := chart.Bars{X: chart.Axis{Title: "bits", Format: params, Zero: true}, Bars: []chart.Bar{
		{Label: "information to learn", Note: bits(*d.DemandBits), Parts: []chart.Part{{Value: *d.DemandBits, Class: "p0"}}},
		{Label: "capacity of the adapter", Note: bits(*d.CapacityBits), Parts: []chart.Part{{Value: *d.CapacityBits, Class: "p2"}}},
	}}
	t := Table{Caption: "Demand and capacity", Columns: columns("Quantity", "Bits"), Rows: [][]string{
		{"information to learn", number(*d.DemandBits)}, {"capacity of the adapter", number(*d.CapacityBits)},
		{"demand over capacity", number(*d.DemandBits / *d.CapacityBits)}}}
	fig := figure("capacity-chart", "Information to learn against the adapter's capacity", "Two bars: bits to learn and bits that the adapter holds.", plot, t)
	fig.Note = "Demand over capacity: " + number(*d.DemandBits / *d.CapacityBits) + ". Above 1, LoRA of this rank is expected to fall behind."
	return fig
}

func (b *builder) forgetting() Section {
	s := Section{ID: "forgetting", Title: "Forgetting", Lead: "Loss on general text while training on this data. A rise is what the model forgets of everything else."}
	trials := b.newest(func(t evidence.TrialResult) bool { return isMain(t.Stage) && len(t.Outcome.GeneralLoss) > 0 })
	if len(trials) == 0 {
		return skipped(s.ID, s.Title, "No trial was evaluated on general text.")
	}
	plot := chart.Lines{X: chart.Axis{Title: "optimizer step", Format: number}, Y: chart.Axis{Format: number}}
	facts := Table{Caption: "Change of the general loss", Columns: columns("Arm", "Before", "After", "Change")}
	for _, t := range trials {
		g := t.Outcome.GeneralLoss
		arm := t.Method.String()
		plot.Series = append(plot.Series, chart.Series{Label: arm, Class: b.class(arm), Points: thinned(g)})
		first, last := g[0].Loss, g[len(g)-1].Loss
		facts.Rows = append(facts.Rows, []string{arm, nats(first), nats(last), signed(last - first)})
	}
	fig := figure("forgetting-chart", "General loss by step", "Loss on general text by step, a line for each arm.", plot, stepTable("General loss by step", plot.Series))
	s.Blocks = []Block{{Figure: fig}, {Table: &facts}}
	return s
}

func signed(v float64) string {
	if v > 0 && !math.IsInf(v, 0) {
		return "+" + nats(v)
	}
	return nats(v)
}
