package forecast

import "math"

// beside finds what finished gaps teach of a share of the horizon, and the factor by
// which their errors have to grow: below the smallest share that is taught, as they grew
// from share to share among those that are.
func beside(courses []Course, share float64) (c Course, grown float64, ok bool) {
	if c, ok = course(courses, share); ok || len(courses) == 0 || share <= 0 || share > courses[0].Share {
		return c, 1, ok
	}
	c = courses[0]
	c.reading = c.stretched(share)
	return c, math.Pow(c.Share/share, growth(courses)), true
}

// growth is the power of horizon over steps seen by which the errors of foretold gaps
// grow: the slope of their logarithm over that of the share, by least squares.
func growth(courses []Course) float64 {
	var x, y, xx, xy float64
	for _, c := range courses {
		var errors []float64
		for _, r := range c.Residuals {
			errors = append(errors, math.Abs(r.Z*r.Scale))
		}
		reach, size := -math.Log(c.Share), math.Log(percentile(errors, 0.8)+1e-9)
		x, y, xx, xy = x+reach, y+size, xx+reach*reach, xy+reach*size
	}
	n := float64(len(courses))
	spread := xx - x*x/n
	if spread < 1e-9 {
		return 0.5
	}
	return math.Max(0, (xy-x*y/n)/spread)
}

// untaught is how many steps an arm lacks until it has come as far as the finished curves
// teach of; 0 where it has, or where nothing is taught at all.
func (o outlook) untaught(b belief, seen int) int {
	courses, slack := o.schools[b.constant()].courses, 1.0
	if b.constant() {
		courses, slack = o.beside, math.Sqrt2 // see course
	}
	if len(courses) == 0 {
		return 0
	}
	return max(0, int(math.Ceil(courses[0].Share/slack*float64(o.horizon)))-seen)
}
