package chart

// Interval is one row: a mean with its 80% interval.
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
	var labels, notes []string
	for _, row := range v.Rows {
		labels, notes = append(labels, row.Label), append(notes, row.Note)
	}
	head := 4.0
	if v.Origin {
		head = 30
	}
	r, c := newRows(width, len(v.Rows), head, labels, notes)
	r.x = v.X.newScale(v.extent(), r.left, r.right)
	if !v.X.Zero {
		r.x = r.x.pad(0.05)
	}
	if v.TieLow < v.TieHigh {
		c.rect("tie", "differences that do not matter", clamp(r.x.at(v.TieLow), r.frame), r.top, clamp(r.x.at(v.TieHigh), r.frame), r.bottom)
	}
	r.axis(&c, v.X)
	if v.Origin {
		r.sides(&c, v.Left, v.Right)
	}
	for i, row := range v.Rows {
		row.draw(&c, r, r.annotate(&c, i, row.Label, row.Note))
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

func (v Interval) draw(c *Chart, r rows, top float64) {
	y := top + barHeight/2
	c.rect("range "+v.Class, v.Note, r.x.at(v.Low), y-5, r.x.at(v.High), y+5)
	c.dot("dot "+v.Class, v.Note, r.x.at(v.Mid), y, 6)
}

func clamp(x float64, f frame) float64 { return min(max(x, f.left), f.right) }
