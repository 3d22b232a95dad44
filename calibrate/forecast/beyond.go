package forecast

import "math"

// beside finds what finished gaps teach of a share of the horizon, and the factor by
// which their errors have to grow: below the smallest share that is taught, as they grew
// from share to share among those that are. Beyond the largest they shrink with what is
// left, as a straight line in ln(step) would, to nothing at the horizon.
func beside(courses []Course, share float64) (c Course, grown float64, ok bool) {
	c, ok = course(courses, share)
	switch {
	case ok && share > courses[len(courses)-1].Share:
		return c, math.Max(0, math.Log(share)/math.Log(c.Share)), ok
	case ok || len(courses) == 0 || share <= 0 || share > courses[0].Share:
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

// untaught is how many steps an arm lacks until it has come as far as finished curves
// can decide from; 0 where it has, or where nothing is taught at all.
func (o outlook) untaught(b belief, seen int) int {
	courses := o.schools[b.constant()].courses
	if b.constant() {
		courses = o.beside
	}
	return max(0, int(math.Ceil(deciding(courses)*float64(o.horizon)))-seen)
}

// deciding is the least share of the horizon from which finished curves can decide: the
// smallest that they teach of, and such that of finished gaps no more had yet to change
// sign than a decision may be in doubt.
func deciding(courses []Course) float64 {
	share := 0.0
	for i, c := range courses {
		switch {
		case i == 0 && c.Traits:
			share = c.Share / math.Sqrt2 // see course
		case i == 0:
			share = c.Share
		case courses[i-1].Turned > 1-sure:
			share = math.Sqrt(courses[i-1].Share * c.Share)
		}
	}
	return share
}
