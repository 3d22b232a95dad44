package reports

import (
	"fmt"
	"math"
	"slices"

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
	d := b.run.Domain
	var facts []Fact
	add := func(name string, v *float64, format func(float64) string, note string) {
		if v != nil {
			facts = append(facts, Fact{Name: name, Value: format(*v), Note: note})
		}
	}
	add("Narrowness", d.Narrowness, number, "0 as broad as general text, 1 one repeated record")
	add("Base model's loss here", d.BaseLoss, nats, "nats a token, before any training")
	add("Base model's loss on general text", d.BaseGeneralLoss, nats, "nats a token")
	add("Loss of knowing nothing", d.UniformLoss, nats, "ln(vocabulary)")
	add("Information to learn", d.DemandBits, bits, "(base loss less forecast best loss) × tokens")
	add("Capacity of LoRA", d.CapacityBits, bits, "2 bits a trainable parameter")
	add("Divergence of tokens", d.TokenDivergence, number, "Jensen-Shannon, bits, against general text")
	add("Entropy of tokens", d.TokenEntropy, number, "bits a token, unigram")
	add("Type-token ratio", d.TypeTokenRatio, number, "")
	add("Gradient on embeddings and head", d.EmbeddingGradShare, percent, "share of its energy that LoRA on linear layers leaves alone")
	if len(facts) == 0 {
		return skipped(s.ID, s.Title, "The data's narrowness was not measured in this run.")
	}
	s.Blocks = []Block{{Facts: facts}}
	if fig := capacityFigure(d); fig != nil {
		s.Blocks = append(s.Blocks, Block{Figure: fig})
	}
	return s
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

func (b *builder) spectrum() Section {
	s := Section{ID: "spectrum", Title: "Spectrum of the full update", Lead: "How many directions the gradient and the update of full fine-tuning use in each weight. Few directions fit into a low rank; many do not."}
	layers := b.run.Domain.Layers
	if len(layers) == 0 {
		return skipped(s.ID, s.Title, "The spectrum was not measured in this run.")
	}
	plot := chart.Lines{X: chart.Axis{Title: "weight, in the order of the model", Format: number}, Y: chart.Axis{Format: number, Zero: true}}
	effective := chart.Series{Label: "effective rank of the gradient", Class: "s1", Markers: len(layers) <= 40}
	stable := chart.Series{Label: "stable rank of the update", Class: "s0", Markers: len(layers) <= 40}
	t := Table{Caption: "Spectrum by weight", Columns: columns("Weight", "Effective rank of the gradient", "Share in the top r directions", "Stable rank of the update")}
	for i, l := range layers {
		effective.Points = append(effective.Points, chart.Point{X: float64(i + 1), Y: l.EffectiveRank})
		stable.Points = append(stable.Points, chart.Point{X: float64(i + 1), Y: l.UpdateStableRank})
		if i < trialsLimit {
			t.Rows = append(t.Rows, []string{l.Name, number(l.EffectiveRank), percent(l.TopRankShare), number(l.UpdateStableRank)})
		}
	}
	plot.Series = []chart.Series{effective, stable}
	fig := figure("spectrum-chart", "Directions used by gradient and update", "Effective rank of the gradient and stable rank of the update for each weight.", plot, t)
	fig.Note = "The rank tried first was " + fmt.Sprint(b.run.Setup.LoRA.Rank) + "."
	s.Blocks = []Block{{Figure: fig}}
	return s
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
