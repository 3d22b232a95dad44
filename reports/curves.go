package reports

import (
	"fmt"
	"slices"

	"ftadvise/calibrate/evidence"
	"ftadvise/reports/chart"
)

// Limits that keep a report of a thousand trials small; what they leave out is said.
const (
	curveLimit  = 12  // curves in one figure
	pointLimit  = 120 // points of a curve
	rowLimit    = 40  // steps in the table under a figure
	trialsLimit = 200 // rows of the table of trials
)

func (b *builder) curves() Section {
	s := Section{ID: "curves", Title: "Learning curves",
		Lead: "Held-out loss of every arm on identical batches. Solid: measured at a constant rate after warm-up. Dashed, with its fan: the forecast to the horizon, 80% of it inside."}
	trials, left := b.curveTrials()
	var series []chart.Series
	train := false
	for _, t := range trials {
		points := t.Outcome.EvalLoss
		if len(points) == 0 {
			points, train = t.Outcome.TrainLoss, true
		}
		series = append(series, b.series(t, points))
	}
	if len(series) == 0 || allEmpty(series) {
		return skipped(s.ID, s.Title, "No trial recorded a loss.")
	}
	plot := chart.Lines{X: chart.Axis{Title: "optimizer step", Format: number}, Y: chart.Axis{Format: number}, Series: series, Focus: 0.9}
	if h := b.run.Setup.HorizonSteps; h > 0 {
		plot.Marks = append(plot.Marks, chart.Mark{X: float64(h), Label: "horizon"})
	}
	fig := figure("curves-chart", "Loss by step", b.curvesAlt(trials), plot, stepTable("Loss by step, nats a token", series))
	fig.Note = "Loss in nats a predicted token. The first steps lie above the picture where they would flatten the rest."
	s.Blocks = append(s.Blocks, Block{Figure: fig})
	s.Blocks = append(s.Blocks, b.forecastTable()...)
	s.Blocks = append(s.Blocks, b.accuracy()...)
	if train {
		s.Blocks = append(s.Blocks, Block{Notes: []string{"Arms without held-out losses are drawn by their training loss, which is no sound ground for a decision."}})
	}
	if left > 0 {
		s.Blocks = append(s.Blocks, Block{Notes: []string{fmt.Sprintf("%s not drawn, to keep the picture legible; the JSON report holds all.", plural(left, "more curve"))}})
	}
	return s
}

// curveTrials picks the trials whose curves are drawn: the newest of each arm first,
// then other seeds while there is room.
func (b *builder) curveTrials() (trials []evidence.TrialResult, left int) {
	hasCurve := func(t evidence.TrialResult) bool {
		return isMain(t.Stage) && len(t.Outcome.EvalLoss)+len(t.Outcome.TrainLoss) > 0
	}
	trials = b.newest(hasCurve)
	drawn := map[string]bool{}
	for _, t := range trials {
		drawn[t.ID] = true
	}
	for _, t := range b.run.Trials {
		if drawn[t.ID] || !hasCurve(t) {
			continue
		}
		if len(trials) < curveLimit {
			trials = append(trials, t)
		} else {
			left++
		}
	}
	if len(trials) > curveLimit {
		left += len(trials) - curveLimit
		trials = trials[:curveLimit]
	}
	return trials, left
}

func (b *builder) series(t evidence.TrialResult, points []evidence.Point) chart.Series {
	s := chart.Series{Label: t.Method.String(), Class: b.class(t.Method.String()), Points: thinned(points)}
	if b.sameArm(t) > 1 {
		s.Label = t.ID
	}
	for _, f := range b.run.Forecasts {
		if f.Trial == t.ID {
			s.Fan = fan(f)
		}
	}
	return s
}

// sameArm counts the trials that would bear the same label.
func (b *builder) sameArm(t evidence.TrialResult) int {
	n := 0
	for _, other := range b.run.Trials {
		if other.Method == t.Method && other.Stage == t.Stage {
			n++
		}
	}
	return n
}

func fan(f evidence.Forecast) []chart.Band {
	var out []chart.Band
	for _, p := range f.Curve {
		out = append(out, chart.Band{X: float64(p.Step), Low: max(0, p.P10), Mid: p.P50, High: p.P90})
	}
	return out
}

// thinned keeps every k-th point and the last.
func thinned(points []evidence.Point) []chart.Point {
	stride := max(1, (len(points)+pointLimit-1)/pointLimit)
	var out []chart.Point
	for i, p := range points {
		if i%stride == 0 || i == len(points)-1 {
			out = append(out, chart.Point{X: float64(p.Step), Y: p.Loss})
		}
	}
	return out
}

func allEmpty(series []chart.Series) bool {
	return !slices.ContainsFunc(series, func(s chart.Series) bool { return len(s.Points) > 0 })
}

func (b *builder) curvesAlt(trials []evidence.TrialResult) string {
	text := "Curves of loss by optimizer step."
	for _, t := range trials {
		if p, ok := t.Outcome.LastEval(); ok {
			text += fmt.Sprintf(" %s ends at %s after %s steps.", t.Method, nats(p.Loss), count(p.Step))
		}
	}
	return text
}

// stepTable lists curves by step, thinned to what a person reads.
func stepTable(caption string, series []chart.Series) Table {
	names := []string{"Step"}
	values := map[int]map[int]float64{}
	for i, s := range series {
		names = append(names, s.Label)
		for _, p := range s.Points {
			step := int(p.X)
			if values[step] == nil {
				values[step] = map[int]float64{}
			}
			values[step][i] = p.Y
		}
	}
	t := Table{Caption: caption, Columns: columns(names...)}
	for _, step := range thinSteps(values) {
		row := []string{count(step)}
		for i := range series {
			cell := ""
			if v, ok := values[step][i]; ok {
				cell = nats(v)
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func thinSteps(values map[int]map[int]float64) []int {
	var steps []int
	for step := range values {
		steps = append(steps, step)
	}
	slices.Sort(steps)
	stride := max(1, (len(steps)+rowLimit-1)/rowLimit)
	var out []int
	for i, step := range steps {
		if i%stride == 0 || i == len(steps)-1 {
			out = append(out, step)
		}
	}
	return out
}

func (b *builder) forecastTable() []Block {
	if len(b.run.Forecasts) == 0 {
		return nil
	}
	t := Table{Caption: fmt.Sprintf("Forecast of each arm at the horizon, step %s", count(b.run.Setup.HorizonSteps)), Columns: columns("Arm", "Rate probed", "Rate to train at",
		"Steps seen", "Loss at horizon", "80% interval", "Stop at", "Loss there")}
	var misfits []string
	for _, f := range b.run.Forecasts {
		if f.Misfit {
			misfits = append(misfits, "No law fits "+f.Method.String()+"; its last value stands in.")
		}
		t.Rows = append(t.Rows, []string{f.Method.String(), rate(f.LearningRate), rate(f.RateToTrain()), count(f.SeenSteps),
			nats(f.Loss.Mean), nats(max(0, f.Loss.P10)) + " to " + nats(f.Loss.P90), stopAt(f), lossThere(f)})
	}
	out := []Block{{Table: &t}}
	if len(misfits) > 0 {
		out = append(out, Block{Notes: misfits})
	}
	return out
}

// lossThere is the loss at the best checkpoint, where training stops before the horizon.
func lossThere(f evidence.Forecast) string {
	if f.Stop == nil || f.Stop.Step >= f.HorizonSteps {
		return none
	}
	return nats(f.BestLoss.Mean)
}

// stopAt is when training is to end, by the rule that is the same for all arms.
func stopAt(f evidence.Forecast) string {
	switch {
	case f.Stop == nil:
		return none
	case f.Stop.Step >= f.HorizonSteps:
		return "horizon"
	}
	return count(f.Stop.Step)
}
