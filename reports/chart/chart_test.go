package chart_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ftadvise/reports/chart"
)

// value draws numbers of all sorts: sound, huge, tiny, not finite.
func value() *rapid.Generator[float64] {
	return rapid.OneOf(rapid.Float64Range(-10, 10), rapid.Float64Range(-1e15, 1e15), rapid.Float64(),
		rapid.SampledFrom([]float64{0, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, 5e-324}))
}

// sound fails for a picture that no browser could draw: coordinates must be numbers,
// and inside the picture or close to it.
func sound(t *rapid.T, c chart.Chart) {
	if c.Width <= 0 || c.Height <= 0 || c.Height > 20_000 {
		t.Fatalf("a picture of %d x %d", c.Width, c.Height)
	}
	for _, p := range c.Paths {
		for _, field := range strings.FieldsFunc(p.D, func(r rune) bool { return strings.ContainsRune("MLHVZa ", r) }) {
			v, err := strconv.ParseFloat(field, 64)
			if err != nil || math.IsNaN(v) || math.Abs(v) > 30_000 {
				t.Fatalf("%s: path %q", p.Class, p.D)
			}
		}
	}
	for _, x := range c.Texts {
		for _, field := range []string{x.X, x.Y} {
			if v, err := strconv.ParseFloat(field, 64); err != nil || math.IsNaN(v) || math.Abs(v) > 30_000 {
				t.Fatalf("text %q at %s, %s", x.Value, x.X, x.Y)
			}
		}
	}
}

func series(t *rapid.T) []chart.Series {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) chart.Series {
		s := chart.Series{Label: "s", Class: "s0", Markers: rapid.Bool().Draw(t, "markers")}
		for range rapid.IntRange(0, 6).Draw(t, "points") {
			s.Points = append(s.Points, chart.Point{X: value().Draw(t, "x"), Y: value().Draw(t, "y")})
		}
		for range rapid.IntRange(0, 3).Draw(t, "fan") {
			s.Fan = append(s.Fan, chart.Band{X: value().Draw(t, "x"), Low: value().Draw(t, "low"), Mid: value().Draw(t, "mid"), High: value().Draw(t, "high")})
		}
		return s
	}), 0, 4).Draw(t, "series")
}

func axis(t *rapid.T) chart.Axis {
	return chart.Axis{Title: "x", Log: rapid.Bool().Draw(t, "log"), Zero: rapid.Bool().Draw(t, "zero")}
}

func TestAnyNumbersGiveASoundPicture(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.SampledFrom([]int{350, 800}).Draw(t, "width")
		v := func() float64 { return value().Draw(t, "v") }
		sound(t, chart.Lines{X: axis(t), Y: axis(t), Series: series(t), Marks: []chart.Mark{{X: v(), Label: "m"}},
			Focus: rapid.SampledFrom([]float64{0, 0.9}).Draw(t, "focus"), TieLow: v(), TieHigh: v(), Origin: true}.Draw(width))
		sound(t, chart.Intervals{X: axis(t), Rows: []chart.Interval{{Label: "a", Low: v(), Mid: v(), High: v()}, {Low: v(), Mid: v(), High: v()}}, TieLow: v(), TieHigh: v(), Origin: rapid.Bool().Draw(t, "origin")}.Draw(width))
		sound(t, chart.Swings{X: axis(t), Rows: []chart.Swing{{Label: strings.Repeat("long ", 99), Low: v(), High: v(), Note: "n"}}}.Draw(width))
		sound(t, chart.Bars{X: chart.Axis{Unit: rapid.SampledFrom([]float64{0, 1 << 30}).Draw(t, "unit")}, Limit: v(), Bars: []chart.Bar{{Label: "a", Parts: []chart.Part{{Value: v()}, {Value: v()}, {Value: v()}}}}}.Draw(width))
		sound(t, chart.Map{X: axis(t), Y: axis(t), Here: chart.Point{X: v(), Y: v()}, Cells: []chart.Cell{{X1: v(), X2: v(), Y1: v(), Y2: v()}}}.Draw(width))
	})
}

func TestEmptyPlotsDraw(t *testing.T) {
	for _, p := range []chart.Plot{chart.Lines{}, chart.Intervals{}, chart.Swings{}, chart.Bars{}, chart.Map{}} {
		if c := p.Draw(350); c.Width != 350 || c.Height <= 0 {
			t.Errorf("%T: %d x %d", p, c.Width, c.Height)
		}
	}
}

func TestTicksAreRound(t *testing.T) {
	format := func(v float64) string { return fmt.Sprint(v) }
	c := chart.Lines{X: chart.Axis{Format: format}, Y: chart.Axis{Format: format, Zero: true},
		Series: []chart.Series{{Points: []chart.Point{{X: 0, Y: 0}, {X: 2000, Y: 0.97}}}}}.Draw(800)
	var ticks []string
	for _, x := range c.Texts {
		if x.Class == "tick" {
			ticks = append(ticks, x.Value)
		}
	}
	want := "0 0.2 0.4 0.6000000000000001 0.8 0 500 1000 1500 2000"
	if got := strings.Join(ticks, " "); got != want {
		t.Errorf("ticks %s, want %s", got, want)
	}
}

// A curve that runs away leaves through the top instead of flattening the others.
func TestFocusCutsWhatRunsAway(t *testing.T) {
	calm := chart.Series{Class: "calm"}
	wild := chart.Series{Class: "wild"}
	for x := range 20 {
		calm.Points = append(calm.Points, chart.Point{X: float64(x), Y: 2 - float64(x)/100})
		wild.Points = append(wild.Points, chart.Point{X: float64(x), Y: 2 + math.Max(0, float64(x-17))*1e6})
	}
	c := chart.Lines{Series: []chart.Series{calm, wild}, Focus: 0.9}.Draw(800)
	for _, p := range c.Paths {
		if p.Class == "curve calm" {
			var x, y1, y2 float64
			if _, err := fmt.Sscanf(p.D, "M%f %fL%f %f", &x, &y1, &x, &y2); err != nil || y2-y1 < 1 {
				t.Errorf("the calm curve is flat: %s", p.D)
			}
		}
	}
}
