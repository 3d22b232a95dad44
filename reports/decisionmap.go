package reports

import (
	"maps"
	"math"

	"ftadvise/advisor"
	"ftadvise/reports/chart"
)

// The decision map's grid.
const (
	mapColumns = 18
	mapRows    = 10
)

// decisionMap asks the policy again with model size and narrowness changed and all
// other facts as they are.
func (b *builder) decisionMap() Section {
	s := Section{ID: "map", Title: "Decision map", Lead: "What the same policy answers for other model sizes and narrower or broader data, all other facts as measured here."}
	if b.rec == nil || b.opts.Decider == nil {
		return skipped(s.ID, s.Title, "The policy was not at hand when the report was made.")
	}
	params, narrow := b.mapHere()
	if params <= 0 || bad(narrow) {
		return skipped(s.ID, s.Title, "The narrowness of the data was not measured.")
	}
	plot := chart.Map{X: chart.Axis{Title: "parameters of the model", Log: true, Format: paramsTick}, Y: chart.Axis{Format: number},
		Here: chart.Point{X: params, Y: narrow}, HereLabel: "this project", XLow: params, XHigh: params,
		YLo: math.Max(0, narrow-narrownessDoubt), YH: math.Min(1, narrow+narrownessDoubt)}
	t := Table{Caption: "Answer by model size and narrowness", Columns: textColumns("Narrowness", "Parameters", "Answer")}
	lo, hi := mapRange(params)
	for row := range mapRows {
		for col := range mapColumns {
			cell, size, narrowness := mapCell(lo, hi, row, col)
			answer := b.ask(size, narrowness)
			cell.Class, cell.Label = toneOf(answer), string(answer)
			plot.Cells = append(plot.Cells, cell)
			if row%3 == 0 && col%4 == 0 {
				t.Rows = append(t.Rows, []string{number(narrowness), paramsTick(size), string(answer)})
			}
		}
	}
	fig := figure("map-chart", "Answer by model size and narrowness", "Coloured plane of answers with this project's place on it.", plot, t)
	fig.Note = "Upwards: narrower data. The upright whisker is the doubt of the narrowness, which is one number for a whole dataset."
	s.Blocks = []Block{{Figure: fig}}
	return s
}

// narrownessDoubt is how far the narrowness of two halves of one dataset may differ;
// it draws a whisker and decides nothing.
const narrownessDoubt = 0.1

func (b *builder) mapHere() (params, narrow float64) {
	params, narrow = b.rec.Features["target_params"], math.NaN()
	if params == 0 {
		params = float64(b.run.Setup.Model.Params)
	}
	if v, ok := b.rec.Features["narrowness"]; ok {
		narrow = v
	}
	return params, narrow
}

// mapRange is four decades around the model, in logarithms.
func mapRange(params float64) (lo, hi float64) {
	at := math.Log10(params)
	return at - 2, at + 2
}

func mapCell(lo, hi float64, row, col int) (cell chart.Cell, size, narrowness float64) {
	dx, dy := (hi-lo)/mapColumns, 1.0/mapRows
	x, y := lo+float64(col)*dx, float64(row)*dy
	cell = chart.Cell{X1: math.Pow(10, x), X2: math.Pow(10, x+dx), Y1: y, Y2: y + dy}
	return cell, math.Pow(10, x+dx/2), y + dy/2
}

func (b *builder) ask(size, narrowness float64) advisor.Answer {
	facts := maps.Clone(b.rec.Features)
	facts["target_params"], facts["narrowness"] = size, narrowness
	v, err := b.opts.Decider.Decide(advisor.Features(facts))
	if err != nil {
		return "undecided"
	}
	return v.Answer
}

func toneOf(a advisor.Answer) string {
	switch a {
	case advisor.UseFull:
		return "t-full"
	case advisor.UseLoRA:
		return "t-lora"
	case advisor.RaiseRank:
		return "t-rank"
	case advisor.Either:
		return "t-either"
	}
	return "t-open"
}

func paramsTick(v float64) string { return params(v) }
