package chart

import "unicode/utf8"

// Heights of a row: with its label beside the bar, and above it.
const (
	besideHeight = 34.0
	aboveHeight  = 46.0
	barHeight    = 18.0
)

// stackWidth is the width below which labels stand above their bars.
const stackWidth = 560

// rows is the layout that plots of one bar a line share: label, bar, note.
type rows struct {
	frame
	width  float64
	height float64
	above  bool
}

// newRows makes room for labels and notes beside the bars where there is width for it.
func newRows(width, n int, head float64, labels, notes []string) (rows, Chart) {
	r := rows{width: float64(width), above: width < stackWidth, height: besideHeight}
	r.left, r.right = 8, float64(width)-14
	if r.above {
		r.height = aboveHeight
	} else {
		r.left = 16 + textWidth(labels, labelRunes)
		r.right = float64(width) - 24 - textWidth(notes, noteRunes)
	}
	c := Chart{Width: width, Height: int(float64(n)*r.height+head) + 44}
	r.top, r.bottom = head, float64(c.Height)-44
	return r, c
}

// Longest texts beside a bar, in characters.
const (
	labelRunes = 34
	noteRunes  = 34
)

// textWidth guesses the widest text in pixels; letters of the chart's 13 px font are
// 7 px wide on average.
func textWidth(texts []string, limit int) float64 {
	widest := 0
	for _, t := range texts {
		widest = max(widest, min(limit, utf8.RuneCountInString(t)))
	}
	return 7 * float64(widest)
}

// annotate writes a row's label and note and returns the top of its bar.
func (r rows) annotate(c *Chart, i int, label, note string) float64 {
	top := r.top + float64(i)*r.height
	if r.above {
		c.text(0, top+14, "start", "rowlabel", shorten(label, 28))
		c.text(r.width-4, top+14, "end", "rownote", shorten(note, noteRunes))
		return top + 20
	}
	c.text(0, top+8+barHeight*0.7, "start", "rowlabel", shorten(label, labelRunes))
	c.text(r.width-4, top+8+barHeight*0.7, "end", "rownote", shorten(note, noteRunes))
	return top + 8
}

func shorten(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit-1]) + "…"
}

// axis draws gridlines and ticks below the rows.
func (r rows) axis(c *Chart, x Axis) {
	n := max(2, int(r.right-r.left)/110)
	for _, v := range x.ticks(r.x, n) {
		at := r.x.at(v)
		c.line("grid", at, r.top, at, r.bottom)
		anchor := edge(at, r.frame)
		if at < r.left+12 && r.above {
			anchor = "start"
		}
		c.text(at, r.bottom+17, anchor, "tick", x.label(v))
	}
	c.text((r.left+r.right)/2, float64(c.Height)-6, "middle", "axistitle", x.Title)
}

// sides names what lies left and right of zero, above the rows; a side too narrow for
// its name has none.
func (r rows) sides(c *Chart, left, right string) {
	x := r.x.at(0)
	c.line("mark", x, r.top-6, x, r.bottom)
	if x-7 >= textWidth([]string{left}, labelRunes) {
		c.text(x-7, r.top-10, "end", "sidetext", left)
	}
	if x+7+textWidth([]string{right}, labelRunes) <= r.width {
		c.text(x+7, r.top-10, "start", "sidetext", right)
	}
}
