package reports

import (
	"ftadvise/calibrate/evidence"
	"ftadvise/reports/chart"
)

func (b *builder) gap() Section {
	s := Section{ID: "gap", Title: "The difference",
		Lead: "LoRA's loss less full's at the horizon. Right of zero full fine-tuning is better; inside the grey band the difference does not matter."}
	if len(b.run.Gaps) == 0 {
		return skipped(s.ID, s.Title, "Only one method has a usable curve, so there is no difference to show.")
	}
	plot := chart.Intervals{X: chart.Axis{Title: "nats a token", Format: number}, Origin: true, Left: "LoRA better", Right: "full better"}
	if b.rec != nil {
		plot.TieLow, plot.TieHigh = -b.rec.Stakes.TieNats, b.rec.Stakes.TieNats
	}
	t := Table{Caption: "LoRA less full, nats a token", Columns: append(columns("Arm", "At horizon", "80% from", "80% to",
		"At best checkpoints", "80% from", "80% to", "P(full better)"), Column{Name: "Evidence"})}
	for _, g := range b.run.Gaps {
		name := g.LoRAMethod.String()
		for _, d := range []struct {
			when string
			dist evidence.Distribution
		}{{"at the horizon", g.AtHorizon}, {"at the best checkpoints", g.AtBest}} {
			if d.dist == (evidence.Distribution{}) {
				continue
			}
			plot.Rows = append(plot.Rows, chart.Interval{Label: name + " " + d.when, Class: b.class(name),
				Low: d.dist.P10, Mid: d.dist.Mean, High: d.dist.P90, Note: nats(d.dist.Mean)})
		}
		t.Rows = append(t.Rows, []string{name, nats(g.AtHorizon.Mean), nats(g.AtHorizon.P10), nats(g.AtHorizon.P90),
			nats(g.AtBest.Mean), nats(g.AtBest.P10), nats(g.AtBest.P90), chance(g.PFullBetter), regimeWords(g.Regime)})
	}
	s.Blocks = []Block{{Figure: figure("gap-chart", "LoRA less full", "Difference of the losses with 80% intervals.", plot, t)}}
	if fig := b.pairedFigure(plot.TieLow, plot.TieHigh); fig != nil {
		s.Blocks = append(s.Blocks, Block{Figure: fig})
	}
	return s
}

// pairedFigure draws the measured difference at each step that both arms were
// evaluated at: the batches are the same, so their common noise cancels.
func (b *builder) pairedFigure(tieLow, tieHigh float64) *Figure {
	plot := chart.Lines{X: chart.Axis{Title: "optimizer step", Format: number}, Y: chart.Axis{Format: number}, TieLow: tieLow, TieHigh: tieHigh, Origin: true}
	for _, g := range b.run.Gaps {
		full := map[int]float64{}
		for _, p := range b.outcome(g.Full).EvalLoss {
			full[p.Step] = p.Loss
		}
		var both []evidence.Point
		for _, p := range b.outcome(g.LoRA).EvalLoss {
			if f, ok := full[p.Step]; ok && p.Step > 0 {
				both = append(both, evidence.Point{Step: p.Step, Loss: p.Loss - f})
			}
		}
		if len(both) > 1 && len(plot.Series) < curveLimit {
			name := g.LoRAMethod.String()
			plot.Series = append(plot.Series, chart.Series{Label: name + " less full", Class: b.class(name), Points: thinned(both)})
		}
	}
	if len(plot.Series) == 0 {
		return nil
	}
	fig := figure("paired-chart", "Measured difference by step", "LoRA's held-out loss less full's at each evaluated step.", plot, stepTable("LoRA less full by step, nats a token", plot.Series))
	fig.Note = "Nats a token; above zero full fine-tuning is ahead at that step."
	return fig
}

func (b *builder) outcome(trial string) evidence.Outcome {
	for _, t := range b.run.Trials {
		if t.ID == trial {
			return t.Outcome
		}
	}
	return evidence.Outcome{}
}
