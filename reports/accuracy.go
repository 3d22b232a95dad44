package reports

import (
	"fmt"

	"ftadvise/calibrate/evidence"
	"ftadvise/reports/chart"
)

// accuracy draws the held-out accuracy of classification data; nothing for other data.
func (b *builder) accuracy() []Block {
	trials := b.newest(func(t evidence.TrialResult) bool { return isMain(t.Stage) && len(t.Outcome.EvalAccuracy) > 0 })
	if len(trials) == 0 {
		return nil
	}
	plot := chart.Lines{X: chart.Axis{Title: "optimizer step", Format: number}, Y: chart.Axis{Format: percent}}
	t := Table{Caption: "Held-out accuracy", Columns: columns("Arm", "First accuracy", "Best accuracy", "Last accuracy")}
	for _, x := range trials {
		points, arm := x.Outcome.EvalAccuracy, x.Method.String()
		plot.Series = append(plot.Series, chart.Series{Label: arm, Class: b.class(arm), Points: thinned(points)})
		best := points[0].Loss
		for _, p := range points {
			best = max(best, p.Loss)
		}
		t.Rows = append(t.Rows, []string{arm, tenths(points[0].Loss), tenths(best), tenths(points[len(points)-1].Loss)})
	}
	fig := figure("accuracy-chart", "Held-out accuracy by step", "Share of held-out records classified rightly by step, a line for each arm.", plot, t)
	fig.Note = "A record is right where greedy decoding would write its label and end there."
	return []Block{{Figure: fig}}
}

// lastAccuracy is a trial's newest held-out accuracy.
func lastAccuracy(o evidence.Outcome) string {
	if p, ok := o.LastAccuracy(); ok {
		return tenths(p.Loss)
	}
	return none
}

// tenths prints a share to a tenth of a percent: of a thousand records, one.
func tenths(share float64) string { return fmt.Sprintf("%.1f%%", 100*share) }
