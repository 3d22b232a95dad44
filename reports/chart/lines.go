package chart

import "math"

// Point is one place in data units.
type Point struct{ X, Y float64 }

// Band is the range of a fan at one X.
type Band struct{ X, Low, Mid, High float64 }

// Series is one curve. Its Class colours it.
type Series struct {
	Label, Class string
	Points       []Point
	Fan          []Band // drawn as an area with a dashed middle
	Markers      bool   // a dot at each point
}

// Mark is a labelled vertical line.
type Mark struct {
	X     float64
	Label string
}

// Lines is a plot of curves, with the fans of their forecasts.
type Lines struct {
	X, Y   Axis
	Series []Series
	Marks  []Mark
	// Focus ignores the highest values of Y beyond this quantile when the range is
	// chosen: a curve's first steps, and a diverged curve, leave through the top. 0
	// keeps all.
	Focus float64
	// TieLow and TieHigh shade the values that do not matter; equal ones shade none.
	TieLow, TieHigh float64
	// Origin keeps zero in view and draws a line there.
	Origin bool
}

// Legend names the curves.
func (l Lines) Legend() []Key {
	var keys []Key
	for _, s := range l.Series {
		keys = append(keys, Key{Class: s.Class, Label: s.Label})
	}
	return keys
}

// frame is the area inside the axes.
type frame struct {
	left, right, top, bottom float64
	x, y                     scale
}

// Draw lays the plot out.
func (l Lines) Draw(width int) Chart {
	height := max(240, min(380, width*9/16))
	c := Chart{Width: width, Height: height}
	f := frame{left: 62, right: float64(width) - 14, top: 14, bottom: float64(height) - 44}
	xs, ys := l.values()
	f.x = l.X.newScale(xs, f.left, f.right)
	f.y = l.Y.newScale(ys, f.bottom, f.top)
	if !l.Y.Zero {
		f.y = f.y.pad(0.06)
	}
	if l.X.Log {
		f.x = f.x.pad(0.04)
	}
	if l.TieLow < l.TieHigh {
		c.rect("tie", "differences that do not matter", f.left, f.clampY(l.TieHigh), f.right, f.clampY(l.TieLow))
	}
	drawAxes(&c, f, l.X, l.Y)
	if l.Origin {
		c.line("mark", f.left, f.y.at(0), f.right, f.y.at(0))
	}
	for _, m := range l.Marks {
		l.mark(&c, f, m)
	}
	for _, s := range l.Series {
		s.fan(&c, f)
	}
	for _, s := range l.Series {
		s.draw(&c, f)
	}
	return c
}

func (l Lines) values() (xs, ys []float64) {
	for _, s := range l.Series {
		for _, p := range s.Points {
			xs, ys = append(xs, p.X), append(ys, p.Y)
		}
		for _, b := range s.Fan {
			xs, ys = append(xs, b.X), append(ys, b.Low, b.High)
		}
	}
	for _, m := range l.Marks {
		xs = append(xs, m.X)
	}
	if l.Origin {
		ys = append(ys, 0)
	}
	if l.Focus > 0 {
		ys = below(ys, quantile(ys, l.Focus))
	}
	return xs, ys
}

func (l Lines) mark(c *Chart, f frame, m Mark) {
	x := f.x.at(m.X)
	if !finite(x) {
		return
	}
	c.line("mark", x, f.top, x, f.bottom)
	anchor, dx := "start", 5.0
	if x > (f.left+f.right)/2 {
		anchor, dx = "end", -5
	}
	c.text(x+dx, f.top+10, anchor, "marktext", m.Label)
}

func (s Series) fan(c *Chart, f frame) {
	var upper, lower [][2]float64
	for i, b := range s.Fan {
		upper = append(upper, [2]float64{f.x.at(b.X), f.clampY(b.High)})
		back := s.Fan[len(s.Fan)-1-i]
		lower = append(lower, [2]float64{f.x.at(back.X), f.clampY(back.Low)})
	}
	c.path("fan "+s.Class, s.Label+": 80% of the forecast lies here", polyline(append(upper, lower...), true))
}

func (s Series) draw(c *Chart, f frame) {
	var seen, ahead [][2]float64
	for _, p := range s.Points {
		seen = append(seen, [2]float64{f.x.at(p.X), f.y.at(p.Y)})
	}
	for _, b := range s.Fan {
		ahead = append(ahead, [2]float64{f.x.at(b.X), f.clampY(b.Mid)})
	}
	for _, piece := range f.inside(seen) {
		c.path("curve "+s.Class, s.Label, polyline(piece, false))
	}
	c.path("curve ahead "+s.Class, s.Label+", forecast", polyline(ahead, false))
	if s.Markers || len(seen) == 1 {
		for _, p := range seen {
			if p[1] >= f.top {
				c.dot("dot "+s.Class, s.Label, p[0], p[1], 3.5)
			}
		}
	}
}

// inside cuts a curve into the pieces that lie below the frame's top, which a curve
// that runs away leaves and comes back through.
func (f frame) inside(points [][2]float64) [][][2]float64 {
	var pieces [][][2]float64
	var piece [][2]float64
	end := func() {
		if len(piece) > 1 {
			pieces = append(pieces, piece)
		}
		piece = nil
	}
	for i, p := range points {
		if !finite(p[0], p[1]) {
			end()
			continue
		}
		in := p[1] >= f.top
		if i > 0 && finite(points[i-1][0], points[i-1][1]) && in != (points[i-1][1] >= f.top) {
			piece = append(piece, crossing(points[i-1], p, f.top))
		}
		if in {
			piece = append(piece, p)
		} else {
			end()
		}
	}
	end()
	return pieces
}

// crossing is where the line from a to b passes height y.
func crossing(a, b [2]float64, y float64) [2]float64 {
	share := (y - a[1]) / (b[1] - a[1])
	return [2]float64{a[0] + share*(b[0]-a[0]), y}
}

// clampY keeps a curve inside the frame: what runs away ends at its edge.
func (f frame) clampY(v float64) float64 {
	y := f.y.at(v)
	if math.IsInf(v, 1) {
		return f.top
	}
	if !finite(y) {
		return math.NaN()
	}
	return math.Min(math.Max(y, f.top), f.bottom)
}

func drawAxes(c *Chart, f frame, x, y Axis) {
	for _, v := range y.ticks(f.y, 5) {
		at := f.y.at(v)
		c.line("grid", f.left, at, f.right, at)
		c.text(f.left-7, at+4, "end", "tick", y.label(v))
	}
	n := max(2, int(f.right-f.left)/95)
	for _, v := range x.ticks(f.x, n) {
		at := f.x.at(v)
		c.line("axis", at, f.bottom, at, f.bottom+5)
		c.text(at, f.bottom+19, edge(at, f), "tick", x.label(v))
	}
	c.line("axis", f.left, f.bottom, f.right, f.bottom)
	c.text((f.left+f.right)/2, float64(c.Height)-6, "middle", "axistitle", x.Title)
}

// edge anchors a label at the right border so that it is not cut off.
func edge(at float64, f frame) string {
	if at > f.right-12 {
		return "end"
	}
	return "middle"
}

func (a Axis) label(v float64) string {
	if a.Format == nil {
		return px(v)
	}
	return a.Format(v)
}
