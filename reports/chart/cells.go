package chart

// Cell is one field of a map.
type Cell struct {
	X1, X2, Y1, Y2 float64
	Class, Label   string
}

// Map is a plane of coloured cells with one point on it.
type Map struct {
	X, Y      Axis
	Cells     []Cell
	Here      Point
	HereLabel string
}

// Legend names the answers, each once.
func (m Map) Legend() []Key {
	var keys []Key
	seen := map[string]bool{}
	for _, cell := range m.Cells {
		if !seen[cell.Label] {
			seen[cell.Label] = true
			keys = append(keys, Key{Class: cell.Class, Label: cell.Label})
		}
	}
	return keys
}

// Draw lays the plot out.
func (m Map) Draw(width int) Chart {
	height := max(260, min(380, width*9/16))
	c := Chart{Width: width, Height: height}
	f := frame{left: 62, right: float64(width) - 14, top: 14, bottom: float64(height) - 44}
	var xs, ys []float64
	for _, cell := range m.Cells {
		xs, ys = append(xs, cell.X1, cell.X2), append(ys, cell.Y1, cell.Y2)
	}
	f.x, f.y = m.X.newScale(xs, f.left, f.right), m.Y.newScale(ys, f.bottom, f.top)
	for _, cell := range m.Cells {
		c.rect("cell "+cell.Class, cell.Label, f.x.at(cell.X1), f.y.at(cell.Y1), f.x.at(cell.X2), f.y.at(cell.Y2))
	}
	drawAxes(&c, f, m.X, m.Y)
	x, y := f.x.at(m.Here.X), f.y.at(m.Here.Y)
	c.dot("here", m.HereLabel, x, y, 6)
	switch half := textWidth([]string{m.HereLabel}, labelRunes) / 2; {
	case x+10+2*half <= float64(width):
		c.text(x+10, y-9, "start", "heretext", m.HereLabel)
	case x-10-2*half >= 0:
		c.text(x-10, y-9, "end", "heretext", m.HereLabel)
	default:
		c.text(min(max(x, half), float64(width)-half), y-14, "middle", "heretext", m.HereLabel)
	}
	return c
}
