package reports

import (
	"math"

	"ftadvise/advisor"
	"ftadvise/reports/chart"
)

// The decision map's grid.
const (
	mapColumns = 18
	mapRows    = 10
)

// decisionMap asks the policy again with the model's size and the data's narrowness
// changed; costs scale with the size as the advisor scales them, all else stays.
func (b *builder) decisionMap() Section {
	s := Section{ID: "map", Title: "Decision map", Lead: "What the same policy answers for other model sizes and narrower or broader data, all other facts as measured here."}
	if b.rec == nil || b.opts.Decider == nil {
		return skipped(s.ID, s.Title, "The policy was not at hand when the report was made.")
	}
	here, narrow := b.mapHere()
	if here <= 0 || bad(narrow) {
		return skipped(s.ID, s.Title, "The narrowness of the data was not measured.")
	}
	plot := chart.Map{X: chart.Axis{Title: "parameters of the model", Log: true, Format: params}, Y: chart.Axis{Format: number},
		Here: chart.Point{X: here, Y: narrow}, HereLabel: "this project" + b.sureness()}
	t := Table{Caption: "Answer by model size and narrowness", Columns: textColumns("Narrowness", "Parameters", "Answer")}
	lo, hi := mapRange(here)
	for row := range mapRows {
		for col := range mapColumns {
			cell, size, narrowness := mapCell(lo, hi, row, col)
			answer := b.ask(size, narrowness)
			cell.Class, cell.Label = toneOf(answer), advisor.Call(answer)
			plot.Cells = joinCell(plot.Cells, cell)
			if row%3 == 0 && col%4 == 0 {
				t.Rows = append(t.Rows, []string{number(narrowness), params(size), advisor.Call(answer)})
			}
		}
	}
	fig := figure("map-chart", "Answer by model size and narrowness", "Coloured plane of answers with this project's place on it.", plot, t)
	fig.Note = "Upwards: narrower data. The narrowness is one number for a whole dataset and its spread was not measured, so the point has no whiskers."
	s.Blocks = []Block{{Figure: fig}}
	if uniform(plot.Cells) {
		s.Blocks = append(s.Blocks, Block{Notes: []string{"Under this policy neither size nor narrowness changes the answer within the plane; the facts that do are under sensitivity."}})
	}
	return s
}

// sureness is the probability of the answer, as doubt about the point's colour.
func (b *builder) sureness() string {
	if b.rec.Verdict.Method.Kind == "" {
		return ""
	}
	return ", " + chance(b.rec.Confidence) + " sure"
}

// joinCell adds a cell, or widens the one to its left that says the same.
func joinCell(cells []chart.Cell, cell chart.Cell) []chart.Cell {
	if n := len(cells); n > 0 && cells[n-1].Label == cell.Label && cells[n-1].Y1 == cell.Y1 {
		cells[n-1].X2 = cell.X2
		return cells
	}
	return append(cells, cell)
}

func uniform(cells []chart.Cell) bool {
	for _, c := range cells {
		if c.Label != cells[0].Label {
			return false
		}
	}
	return true
}

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
	run, stakes := *b.run, b.rec.Stakes
	run.Domain.Narrowness, stakes.TargetModelParams = &narrowness, size
	facts, err := advisor.FeaturesOf(&run, stakes)
	if err != nil {
		return advisor.Undecided
	}
	if facts["full_fits"] == 0 && facts["lora_fits"] == 0 {
		return advisor.NothingFits
	}
	v, err := b.opts.Decider.Decide(facts)
	if err != nil {
		return advisor.Undecided
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
	case advisor.NothingFits:
		return "t-stop"
	default:
		return "t-open"
	}
}
