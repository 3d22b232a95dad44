package chart

import (
	"fmt"
	"math"
	"strings"
)

// Chart is a laid-out picture of Width x Height pixels.
type Chart struct {
	Width, Height int
	Paths         []Path
	Texts         []Text
}

// Path is an SVG path with the class that colours it.
type Path struct {
	D, Class string
	Tip      string // shown on hovering
}

// Text is one label; Anchor is start, middle or end.
type Text struct {
	X, Y          string
	Anchor, Class string
	Value         string
}

// Key is one entry of a legend.
type Key struct {
	Class, Label string
}

// Plot is a picture before its layout.
type Plot interface {
	Draw(width int) Chart
	Legend() []Key
}

func (c *Chart) path(class, tip, d string) {
	if d != "" {
		c.Paths = append(c.Paths, Path{D: d, Class: class, Tip: tip})
	}
}

func (c *Chart) text(x, y float64, anchor, class, value string) {
	if finite(x, y) {
		c.Texts = append(c.Texts, Text{X: px(x), Y: px(y), Anchor: anchor, Class: class, Value: value})
	}
}

func (c *Chart) line(class string, x1, y1, x2, y2 float64) {
	if finite(x1, y1, x2, y2) {
		c.path(class, "", "M"+px(x1)+" "+px(y1)+"L"+px(x2)+" "+px(y2))
	}
}

// rect draws a box; a box without width gets one pixel, so that a small value is seen.
func (c *Chart) rect(class, tip string, x1, y1, x2, y2 float64) {
	if !finite(x1, y1, x2, y2) {
		return
	}
	x1, x2 = math.Min(x1, x2), math.Max(x1, x2)
	x2 = math.Max(x2, x1+1)
	c.path(class, tip, fmt.Sprintf("M%s %sH%sV%sH%sZ", px(x1), px(y1), px(x2), px(y2), px(x1)))
}

func (c *Chart) dot(class, tip string, x, y, r float64) {
	if finite(x, y) {
		c.path(class, tip, fmt.Sprintf("M%s %sa%s %s 0 1 0 %s 0a%s %s 0 1 0 -%s 0Z",
			px(x-r), px(y), px(r), px(r), px(2*r), px(r), px(r), px(2*r)))
	}
}

// polyline joins points; closed makes an area of them.
func polyline(points [][2]float64, closed bool) string {
	var b strings.Builder
	for _, p := range points {
		if !finite(p[0], p[1]) {
			continue
		}
		b.WriteString(map[bool]string{true: "M", false: "L"}[b.Len() == 0])
		b.WriteString(px(p[0]) + " " + px(p[1]))
	}
	if closed && b.Len() > 0 {
		b.WriteByte('Z')
	}
	return b.String()
}

// px prints a coordinate with a tenth of a pixel, which is as fine as is seen.
func px(v float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
}

func finite(values ...float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
