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

const (
	rowHeight = 46.0
	barHeight = 20.0
)

// Draw lays the plot out: each row has its label above the bar, so that long names
// take no width.
func (b Bars) Draw(width int) Chart {
	c := Chart{Width: width, Height: int(float64(len(b.Bars))*rowHeight) + 62}
	f := frame{left: 4, right: float64(width) - 14, top: 20, bottom: float64(c.Height) - 42}
	axis := b.X
	axis.Zero = !axis.Log
	f.x = axis.newScale(b.extent(), f.left, f.right)
	if axis.Log {
		f.x.lo -= 0.3 // a bar of the smallest value is seen
	}
	drawXAxis(&c, f, b.X)
	for i, bar := range b.Bars {
		bar.draw(&c, f, f.top+float64(i)*rowHeight)
	}
	if b.Limit > 0 {
		x := f.x.at(b.Limit)
		c.line("limit", x, f.top-4, x, f.bottom)
		c.text(x-4, f.top-7, "end", "marktext", b.LimitLabel)
	}
	return c
}

// extent lists where bars begin and end.
func (b Bars) extent() []float64 {
	var out []float64
	for _, bar := range b.Bars {
		var up, down float64
		for _, p := range bar.Parts {
			if !finite(p.Value) {
				continue
			}
			up, down = up+math.Max(0, p.Value), down+math.Min(0, p.Value)
		}
		out = append(out, up)
		if down < 0 {
			out = append(out, down)
		}
	}
	if b.Limit > 0 {
		out = append(out, b.Limit)
	}
	return out
}

// draw stacks positive parts to the right of zero and negative ones to the left.
func (bar Bar) draw(c *Chart, f frame, top float64) {
	var up, down float64
	for _, p := range bar.Parts {
		if !finite(p.Value) || p.Value == 0 {
			continue
		}
		from := &up
		if p.Value < 0 {
			from = &down
		}
		start := f.x.at(*from)
		if f.x.log && *from == 0 {
			start = f.left
		}
		*from += p.Value
		c.rect("bar "+p.Class, p.Label, start, top+18, f.x.at(*from), top+18+barHeight)
	}
	c.text(f.left, top+12, "start", "rowlabel", bar.Label)
	c.text(f.right, top+12, "end", "rownote", bar.Note)
}

func drawXAxis(c *Chart, f frame, x Axis) {
	n := max(2, int(f.right-f.left)/110)
	for _, v := range f.x.ticks(n) {
		at := f.x.at(v)
		c.line("grid", at, f.top, at, f.bottom)
		anchor := edge(at, f)
		if at < f.left+12 {
			anchor = "start"
		}
		c.text(at, f.bottom+17, anchor, "tick", x.label(v))
	}
	c.text((f.left+f.right)/2, float64(c.Height)-4, "middle", "axistitle", x.Title)
}
