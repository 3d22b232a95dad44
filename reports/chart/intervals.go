package chart

// Interval is one row: a mean with its 80 % interval.
type Interval struct {
	Label          string
	Low, Mid, High float64
	Class          string
	Note           string
}

// Intervals is a plot of means with intervals, one above the other.
type Intervals struct {
	X    Axis
	Rows []Interval
	// TieLow and TieHigh bound the differences that do not matter; equal ones draw none.
	TieLow, TieHigh float64
	// Origin draws a line at zero and keeps zero in view.
	Origin      bool
	Left, Right string // what lies on either side of zero
}

// Legend is empty: the rows carry their names.
func (v Intervals) Legend() []Key { return nil }

// Draw lays the plot out.
func (v Intervals) Draw(width int) Chart {
	c := Chart{Width: width, Height: int(float64(len(v.Rows))*rowHeight) + 76}
	f := frame{left: 8, right: float64(width) - 14, top: 32, bottom: float64(c.Height) - 42}
	f.x = v.X.newScale(v.extent(), f.left, f.right)
	if !v.X.Zero {
		f.x = f.x.pad(0.05)
	}
	if v.TieLow < v.TieHigh {
		c.rect("tie", "differences that do not matter", clamp(f.x.at(v.TieLow), f), f.top, clamp(f.x.at(v.TieHigh), f), f.bottom)
	}
	drawXAxis(&c, f, v.X)
	if v.Origin {
		x := f.x.at(0)
		c.line("mark", x, f.top-6, x, f.bottom)
		c.text(x-7, f.top-10, "end", "sidetext", v.Left)
		c.text(x+7, f.top-10, "start", "sidetext", v.Right)
	}
	for i, row := range v.Rows {
		row.draw(&c, f, f.top+float64(i)*rowHeight)
	}
	return c
}

func (v Intervals) extent() []float64 {
	var out []float64
	for _, r := range v.Rows {
		out = append(out, r.Low, r.Mid, r.High)
	}
	if v.Origin {
		out = append(out, 0, v.TieLow, v.TieHigh)
	}
	return out
}

func (r Interval) draw(c *Chart, f frame, top float64) {
	y := top + 28
	c.text(f.left, top+14, "start", "rowlabel", r.Label)
	c.text(f.right, top+14, "end", "rownote", r.Note)
	c.rect("range "+r.Class, r.Note, f.x.at(r.Low), y-5, f.x.at(r.High), y+5)
	c.dot("dot "+r.Class, r.Note, f.x.at(r.Mid), y, 6)
}

func clamp(x float64, f frame) float64 { return min(max(x, f.left), f.right) }

// Swing is one bar of a tornado: the outcome at the low and the high end of an input.
type Swing struct {
	Label               string
	Low, High           float64 // the outcome
	LowLabel, HighLabel string  // the input
	Flips               bool
}

// Swings is a tornado: the widest bar first.
type Swings struct {
	X           Axis
	Rows        []Swing
	Left, Right string // what lies on either side of zero
}

// Legend tells the two ends apart.
func (s Swings) Legend() []Key {
	return []Key{{Class: "low", Label: "input at its low end"}, {Class: "high", Label: "input at its high end"}}
}

// Draw lays the plot out.
func (s Swings) Draw(width int) Chart {
	c := Chart{Width: width, Height: int(float64(len(s.Rows))*rowHeight) + 76}
	f := frame{left: 8, right: float64(width) - 14, top: 32, bottom: float64(c.Height) - 42}
	values := []float64{0}
	for _, r := range s.Rows {
		values = append(values, r.Low, r.High)
	}
	f.x = s.X.newScale(values, f.left, f.right).pad(0.03)
	drawXAxis(&c, f, s.X)
	for i, r := range s.Rows {
		r.draw(&c, f, f.top+float64(i)*rowHeight)
	}
	x := f.x.at(0)
	c.line("mark", x, f.top-6, x, f.bottom)
	c.text(x-7, f.top-10, "end", "sidetext", s.Left)
	c.text(x+7, f.top-10, "start", "sidetext", s.Right)
	return c
}

func (r Swing) draw(c *Chart, f frame, top float64) {
	mid := (r.Low + r.High) / 2
	c.rect("bar low", r.LowLabel, f.x.at(r.Low), top+20, f.x.at(mid), top+20+barHeight-4)
	c.rect("bar high", r.HighLabel, f.x.at(mid), top+20, f.x.at(r.High), top+20+barHeight-4)
	c.text(f.left, top+14, "start", "rowlabel", r.Label)
	note := r.LowLabel + " to " + r.HighLabel
	if r.Flips {
		note += ", flips the answer"
	}
	c.text(f.right, top+14, "end", "rownote", note)
}
