package cli

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"ftadvise/calibrate/evidence"
)

// From how many columns and rows on the columns have titles.
const (
	titled     = 60
	titledRows = 8
)

// frame renders the view within a terminal's width and height, one row of which is the
// cursor's: a line on what is being done, the columns' titles where there is room, and
// a row an arm.
func (l *live) frame(width, height int) []string {
	lines := []string{l.headline(width)}
	rows := l.leads()
	cells := make([][]string, len(rows))
	for i, t := range rows {
		cells[i] = l.cells(t)
	}
	shown, spark := fit(cells, width)
	if width >= titled && height >= titledRows {
		lines = append(lines, l.paint(faint, join(titles(), shown, pad("", spark))))
	}
	room := max(0, height-1-len(lines))
	low, high := span(rows)
	best := leader(rows)
	for i, t := range rows[:fitting(len(rows), room)] {
		line := join(cells[i], shown, pad(t.line(spark, low, high), spark))
		if t == best {
			line = l.paint(strong, line)
		}
		lines = append(lines, line)
	}
	if room > 0 && len(rows) > room {
		lines = append(lines, cutTo(fmt.Sprintf("and %d more arms", len(rows)-fitting(len(rows), room)), width))
	}
	return lines
}

// fitting is how many of n rows to show: where not all fit, the last line says so.
func fitting(n, room int) int {
	if n <= room {
		return n
	}
	return max(0, room-1)
}

// How a line may be painted.
const (
	faint  = "\x1b[2m"
	strong = "\x1b[1m"
)

func (l *live) paint(how, line string) string {
	if !l.colour {
		return line
	}
	return how + line + "\x1b[0m"
}

// headline says what is being done and how long it takes; where both are too long, how
// long.
func (l *live) headline(width int) string {
	var parts []string
	if left, known := l.left(); known && l.working != nil {
		parts = append(parts, "about "+briefly(left)+" left")
	}
	if t := l.working; t != nil {
		doing := fmt.Sprintf("%s, step %d of %d", printable(trialName(t.Trial)), t.steps, t.Steps)
		if len(parts) == 0 || utf8.RuneCountInString(doing)+2+len(parts[0]) <= width {
			parts = append([]string{doing}, parts...)
		}
	}
	if len(parts) == 0 {
		parts = []string{"run " + printable(l.planned.ID)}
	}
	return cutTo(strings.Join(parts, ", "), width)
}

// briefly prints a time without the zeros at its end: 3m, 1h5m.
func briefly(d time.Duration) string {
	if d >= time.Hour {
		d = d.Round(time.Minute)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// leads is each arm's trial to show, arms in the order of the plan.
func (l *live) leads() []*track {
	var out []*track
	for _, t := range l.tracks {
		i := slices.IndexFunc(out, func(o *track) bool { return o.Method == t.Method })
		switch {
		case i < 0:
			out = append(out, t)
		case t.before(out[i]):
			out[i] = t
		}
	}
	return out
}

// before reports whether t is to be shown in o's place: what lives before what failed,
// the comparison before the fit, then the furthest, then the lowest loss.
func (t *track) before(o *track) bool {
	mine, other := t.standing(), o.standing()
	if mine != other {
		return mine > other
	}
	if t.steps != o.steps {
		return t.steps > o.steps
	}
	return t.newest() < o.newest()
}

// standing ranks a trial as its arm's face.
func (t *track) standing() int {
	switch {
	case t.Stage == evidence.StageFit || t.steps == 0:
		return 1
	case t.status == evidence.Dropped || t.lost():
		return 2
	}
	return 3
}

// lost reports a trial without a curve to go on with.
func (t *track) lost() bool {
	return t.status == evidence.Diverged || t.status == evidence.DoesNotFit || t.status == evidence.OutOfMemory
}

// newest is the newest held-out loss, infinite where there is none.
func (t *track) newest() float64 {
	if len(t.points) == 0 {
		return math.Inf(1)
	}
	return t.points[len(t.points)-1].Loss
}

// leader is the row with the lowest newest loss, nil where there is but one.
func leader(rows []*track) *track {
	var best *track
	for _, t := range rows {
		if !t.lost() && len(rows) > 1 && len(t.points) > 1 && (best == nil || t.newest() < best.newest()) {
			best = t
		}
	}
	return best
}

// line is what stands in the place of a trial's curve.
func (t *track) line(width int, low, high float64) string {
	if t.lost() {
		return cutTo(string(t.status), width)
	}
	return sparkline(t.points, width, low, high)
}
