package forecast

import "ftadvise/calibrate/evidence"

// mergeSeeds averages arms of one method at one learning rate that differ by their
// seed alone, so that a gap compares methods and not luck. The first one's ID stands
// for all. It reports whether there was anything to merge.
func mergeSeeds(arms []arm) ([]arm, bool) {
	type key struct {
		method evidence.Method
		rate   float64
	}
	place, count, seeded := map[key]int{}, map[key]float64{}, false
	var out []arm
	for _, a := range arms {
		k := key{a.Method, a.Rate}
		i, ok := place[k]
		if !ok || !sameSteps(out[i].Points, a.Points) {
			place[k], count[k] = len(out), 1
			out = append(out, a)
			continue
		}
		seeded = true
		out[i] = averaged(out[i], a, count[k])
		count[k]++
	}
	return out, seeded
}

func sameSteps(a, b []evidence.Point) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Step != b[i].Step {
			return false
		}
	}
	return true
}

// averaged adds one more seed to a mean of n.
func averaged(mean, one arm, n float64) arm {
	points := make([]evidence.Point, len(mean.Points))
	for i, p := range mean.Points {
		points[i] = evidence.Point{Step: p.Step, Loss: (n*p.Loss + one.Points[i].Loss) / (n + 1)}
	}
	mean.Points = points
	return mean
}
