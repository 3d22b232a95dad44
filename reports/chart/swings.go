package chart

// Swing is one bar of a tornado: the outcome at the low and the high end of an input.
type Swing struct {
	Label     string
	Low, High float64 // the outcome at either end of the input
	Note      string  // the input's two ends
}

// Swings is a tornado: the widest bar first. A bar's colour changes halfway, to tell
// which end of the input lies on which side.
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
	var labels, notes []string
	values := []float64{0}
	for _, row := range s.Rows {
		labels, notes = append(labels, row.Label), append(notes, row.Note)
		values = append(values, row.Low, row.High)
	}
	r, c := newRows(width, len(s.Rows), 30, labels, notes)
	r.x = s.X.newScale(values, r.left, r.right).pad(0.03)
	r.axis(&c, s.X)
	for i, row := range s.Rows {
		top := r.annotate(&c, i, row.Label, row.Note)
		low, high := r.x.at(row.Low), r.x.at(row.High)
		mid := (low + high) / 2
		c.rect("bar low", row.Note, low, top, mid, top+barHeight)
		c.rect("bar high", row.Note, mid, top, high, top+barHeight)
	}
	r.sides(&c, s.Left, s.Right)
	return c
}
