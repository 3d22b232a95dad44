package cli

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"ftadvise/calibrate/evidence"
)

// The columns of the live view in their order on a line; the curve stands after the
// first.
const (
	columnArm = iota
	columnLoss
	columnAccuracy
	columnRate
	columnSteps
	columnPace
	columnForecast
	columnInterval
)

// titles are the columns' heads.
func titles() []string {
	return []string{"ARM", "HELD-OUT", "RIGHT", "RATE", "STEPS", "TOKENS/S", "FORECAST", "80 %"}
}

// wanted lists the columns by what a narrow terminal keeps longest.
func wanted() []int {
	return []int{columnArm, columnLoss, columnAccuracy, columnSteps, columnForecast, columnRate, columnPace, columnInterval}
}

// The least and the most columns of a curve.
const (
	leastSpark = 3
	mostSpark  = 40
)

// cells is a row's text, column by column; what is not known is a dash.
func (l *live) cells(t *track) []string {
	out := []string{printable(t.Method.String()), "-", "", fmt.Sprintf("%.3g", t.LearningRate),
		fmt.Sprintf("%d/%d", t.steps, t.Steps), "-", "-", "-"}
	if len(t.points) > 0 {
		out[columnLoss] = fmt.Sprintf("%.4f", t.newest())
	}
	if t.right != nil {
		out[columnAccuracy] = percentage(*t.right)
	}
	if t.pace > 0 {
		out[columnPace] = count(int64(t.pace))
	}
	if f, ok := l.forecasts[t.ID]; ok {
		out[columnForecast] = fmt.Sprintf("%.3f", f.Mean)
		out[columnInterval] = fmt.Sprintf("%.3f to %.3f", max(0, f.P10), f.P90) // a loss is not negative
	}
	return out
}

// fit finds the widths of the columns that a line has room for, 0 for one that is left
// out, and what remains for the curve.
func fit(rows [][]string, width int) (shown []int, spark int) {
	heads := 0
	shown = make([]int, len(titles()))
	if width >= titled {
		rows, heads = append([][]string{titles()}, rows...), 1
	}
	room := width - leastSpark
	for _, column := range wanted() {
		widest := 0
		for _, row := range rows {
			widest = max(widest, utf8.RuneCountInString(row[column]))
		}
		if column == columnAccuracy && !slices.ContainsFunc(rows[heads:], func(row []string) bool { return row[column] != "" }) {
			continue // these data have none
		}
		if column == columnArm {
			widest = min(widest, max(width/2-1, 8))
		}
		if widest+1 > room {
			break
		}
		shown[column] = widest
		room -= widest + 1
	}
	return shown, min(mostSpark, leastSpark+max(0, room))
}

// join lays out a line; a row's cells are cut and padded to their columns, numbers to
// the right.
func join(cells []string, shown []int, spark string) string {
	parts := []string{pad(cutTo(cells[columnArm], shown[columnArm]), shown[columnArm]), spark}
	for column, width := range shown {
		if column == columnArm || width == 0 {
			continue
		}
		text := cells[column]
		parts = append(parts, strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))+text)
	}
	return strings.Join(parts, " ")
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

// cutTo shortens s to so many columns.
func cutTo(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:max(0, width-1)]) + "…"
}

// span is the lowest and the highest loss of the rows, so that their curves share a
// scale.
func span(rows []*track) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, t := range rows {
		for _, p := range t.points {
			low, high = min(low, p.Loss), max(high, p.Loss)
		}
	}
	return low, high
}

// sparkline draws losses as blocks between low and high. Where there are more than
// columns, each column shows the last of its share.
func sparkline(points []evidence.Point, width int, low, high float64) string {
	blocks := []rune("▁▂▃▄▅▆▇█")
	n := min(width, len(points))
	out := make([]rune, 0, n)
	for i := range n {
		p := points[(i+1)*len(points)/n-1]
		level := 0.0
		if high > low {
			level = (p.Loss - low) / (high - low)
		}
		out = append(out, blocks[min(len(blocks)-1, int(level*float64(len(blocks))))])
	}
	return string(out)
}
