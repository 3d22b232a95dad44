package reports

import (
	"fmt"
	"maps"
	"slices"

	"ftadvise/calibrate/evidence"
	"ftadvise/reports/chart"
)

func (b *builder) spectrum() Section {
	s := Section{ID: "spectrum", Title: "Spectrum of gradient and update", Lead: "How many directions the gradient and the update of full fine-tuning use in each weight. Few directions fit into a low rank; many do not. This describes; it does not decide."}
	if len(b.run.Domain.Layers) == 0 {
		return skipped(s.ID, s.Title, "The spectrum was not measured in this run.")
	}
	if fig := b.topFigure(); fig != nil {
		s.Blocks = append(s.Blocks, Block{Figure: fig})
	}
	s.Blocks = append(s.Blocks, Block{Figure: b.weightsFigure()})
	return s
}

// topFigure shows how much of gradient and update a rank could hold.
func (b *builder) topFigure() *Figure {
	d := b.run.Domain
	plot := chart.Lines{X: chart.Axis{Title: "rank (logarithmic)", Log: true, Format: number}, Y: chart.Axis{Format: percent, Zero: true}}
	t := Table{Caption: "Share of the energy in the largest directions", Columns: columns("Rank", "Of the gradient", "Of the update")}
	byRank := map[int][2]string{}
	for i, c := range []struct {
		label, class string
		curve        []evidence.RankShare
	}{{"gradient at the base weights", "s1", d.GradientTop}, {fmt.Sprintf("update after %s steps", count(d.UpdateStep)), "s0", d.UpdateTop}} {
		series := chart.Series{Label: c.label, Class: c.class, Markers: true}
		for _, p := range c.curve {
			series.Points = append(series.Points, chart.Point{X: float64(p.Rank), Y: p.Share})
			row := byRank[p.Rank]
			row[i] = percent(p.Share)
			byRank[p.Rank] = row
		}
		if len(series.Points) > 0 {
			plot.Series = append(plot.Series, series)
		}
	}
	if len(plot.Series) == 0 {
		return nil
	}
	for _, rank := range slices.Sorted(maps.Keys(byRank)) {
		t.Rows = append(t.Rows, []string{count(rank), orNone(byRank[rank][0]), orNone(byRank[rank][1])})
	}
	if r := b.run.Setup.LoRA.Rank; r > 0 {
		plot.Marks = []chart.Mark{{X: float64(r), Label: fmt.Sprintf("rank %d", r)}}
	}
	fig := figure("top-chart", "Energy that a rank could hold", "Share of the energy of gradient and update in the largest directions of each weight, by rank.", plot, t)
	fig.Note = "Over the matrices of the blocks. The rank marked is the one asked for."
	return fig
}

func orNone(s string) string {
	if s == "" {
		return none
	}
	return s
}

func (b *builder) weightsFigure() *Figure {
	layers := b.run.Domain.Layers
	plot := chart.Lines{X: chart.Axis{Title: "weight, in the order of the model", Format: number}, Y: chart.Axis{Format: number, Zero: true}}
	effective := chart.Series{Label: "effective rank of the gradient", Class: "s1", Markers: len(layers) <= 40}
	stable := chart.Series{Label: "stable rank of the update", Class: "s0", Markers: len(layers) <= 40}
	t := Table{Caption: "Spectrum by weight", Columns: columns("Weight", "Effective rank of the gradient", "Gradient in the top r directions", "Share of all gradient energy", "Stable rank of the update", "Update in the top r directions")}
	for i, l := range layers {
		effective.Points = appendMeasured(effective.Points, i, l.EffectiveRank)
		stable.Points = appendMeasured(stable.Points, i, l.UpdateStableRank)
		if i < trialsLimit {
			t.Rows = append(t.Rows, []string{l.Name, measuredRank(l.EffectiveRank, number), measuredRank(l.TopRankShare, percent), measuredRank(l.EnergyShare, percent),
				measuredRank(l.UpdateStableRank, number), measuredRank(l.UpdateTopShare, percent)})
		}
	}
	for _, s := range []chart.Series{effective, stable} {
		if len(s.Points) > 0 {
			plot.Series = append(plot.Series, s)
		}
	}
	fig := figure("spectrum-chart", "Directions used by gradient and update", "Effective rank of the gradient and stable rank of the update for each weight.", plot, t)
	fig.Note = fmt.Sprintf("r is %d, the rank asked for. %s", b.run.Setup.LoRA.Rank, sampled(b.run.Domain))
	return fig
}

// appendMeasured leaves out what was not measured.
func appendMeasured(points []chart.Point, i int, rank float64) []chart.Point {
	if rank == 0 {
		return points
	}
	return append(points, chart.Point{X: float64(i + 1), Y: rank})
}

func measuredRank(v float64, format func(float64) string) string {
	if v == 0 {
		return none
	}
	return format(v)
}

// sampled says how many of the weights were looked at.
func sampled(d evidence.Domain) string {
	if d.LayersOf > len(d.Layers) {
		return fmt.Sprintf("%d of %d weights were measured, layers far apart first.", len(d.Layers), d.LayersOf)
	}
	return fmt.Sprintf("All %d weights of the blocks were measured.", len(d.Layers))
}
