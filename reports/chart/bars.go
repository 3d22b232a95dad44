package chart

import "math"

// Part is one piece of a stacked bar.
type Part struct {
	Value float64
	Class string
	Label string // what the piece is; the legend lists each once
}

// Bar is one row.
type Bar struct {
	Label string
	Parts []Part
	Note  string // printed behind the bar: the total
}

// Bars is a plot of stacked horizontal bars, with a limit where there is one.
type Bars struct {
	X          Axis
	Bars       []Bar
	Limit      float64 // a vertical line; 0 draws none
	LimitLabel string
}

// Legend names the parts, each once, in order of appearance.
func (b Bars) Legend() []Key {
	var keys []Key
	seen := map[string]bool{}
	for _, bar := range b.Bars {
		for _, p := range bar.Parts {
			if p.Label != "" && !seen[p.Label] {
				seen[p.Label] = true
				keys = append(keys, Key{Class: p.Class, Label: p.Label})
			}
		}
	}
	return keys
}

// Draw lays the plot out; bars begin at zero.
func (b Bars) Draw(width int) Chart {
	var labels, notes []string
	for _, bar := range b.Bars {
		labels, notes = append(labels, bar.Label), append(notes, bar.Note)
	}
	head := 8.0
	if b.Limit > 0 {
		head = 24
	}
	r, c := newRows(width, len(b.Bars), head, labels, notes)
	axis := b.X
	axis.Zero = true
	r.x = axis.newScale(b.extent(), r.left, r.right)
	r.axis(&c, axis)
	for i, bar := range b.Bars {
		bar.draw(&c, r, r.annotate(&c, i, bar.Label, bar.Note))
	}
	if b.Limit > 0 {
		x := r.x.at(b.Limit)
		c.line("limit", x, r.top-6, x, r.bottom)
		c.text(min(x+2, r.width-4), r.top-10, "end", "marktext", b.LimitLabel)
	}
	return c
}

// extent lists where bars begin and end.
func (b Bars) extent() []float64 {
	out := []float64{b.Limit}
	for _, bar := range b.Bars {
		var up, down float64
		for _, p := range bar.Parts {
			if finite(p.Value) {
				up, down = up+math.Max(0, p.Value), down+math.Min(0, p.Value)
			}
		}
		out = append(out, up, down)
	}
	return out
}

// draw stacks positive parts to the right of zero and negative ones to the left.
func (bar Bar) draw(c *Chart, r rows, top float64) {
	var up, down float64
	for _, p := range bar.Parts {
		if !finite(p.Value) || p.Value == 0 {
			continue
		}
		from := &up
		if p.Value < 0 {
			from = &down
		}
		start := r.x.at(*from)
		*from += p.Value
		c.rect("bar "+p.Class, p.Label, start, top, r.x.at(*from), top+barHeight)
	}
}
