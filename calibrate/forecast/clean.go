package forecast

import (
	"fmt"
	"math"
	"slices"

	"ftadvise/calibrate/evidence"
)

// Doubts counts what Clean had to settle.
type Doubts struct {
	Duplicates int // steps that came twice; the later one stands
	NotFinite  int // points left out because the loss was NaN or infinite
	Spikes     int // points far above both neighbours, set to their mean
}

// Clean returns the curve's points in ascending steps, one a step, finite, and what
// had to be settled. A step that comes twice keeps its later value, since a resumed
// run logs again the steps that it repeats. A curve that ends in a loss that is not
// finite has diverged and is refused; so is one with fewer than two usable points.
func Clean(name string, points []evidence.Point) ([]evidence.Point, Doubts, error) {
	var doubts Doubts
	sorted := slices.Clone(points)
	slices.SortStableFunc(sorted, func(a, b evidence.Point) int { return a.Step - b.Step })
	out := make([]evidence.Point, 0, len(sorted))
	for i, p := range sorted {
		switch {
		case p.Step < 0:
			return nil, doubts, &Error{name, fmt.Sprintf("step %d is negative", p.Step),
				"count optimizer steps from 0, the untouched base model"}
		case i+1 < len(sorted) && sorted[i+1].Step == p.Step:
			doubts.Duplicates++
		case !usable(p.Loss):
			doubts.NotFinite++
		default:
			out = append(out, p)
		}
	}
	if err := refuse(name, sorted, out); err != nil {
		return nil, doubts, err
	}
	doubts.Spikes = settleSpikes(out)
	return out, doubts, nil
}

func refuse(name string, all, left []evidence.Point) error {
	if len(all) > 0 && !usable(all[len(all)-1].Loss) {
		return &Error{name, fmt.Sprintf("loss is not finite at step %d: the run diverged", all[len(all)-1].Step),
			"lower the learning rate of this arm"}
	}
	if len(left) < 2 {
		return &Error{name, fmt.Sprintf("has %d usable loss points, and a forecast needs two", len(left)),
			"evaluate at more steps, or train longer"}
	}
	return nil
}

// settleSpikes sets a point to the mean of its neighbours where it stands above both
// by more than a fifth of the curve's range and eight times the usual change. The
// last point has but one neighbour and stays: it may be where the run is going.
func settleSpikes(points []evidence.Point) int {
	if len(points) < 5 {
		return 0
	}
	var changes, losses []float64
	for i := range points {
		losses = append(losses, points[i].Loss)
		if i > 0 {
			changes = append(changes, math.Abs(points[i].Loss-points[i-1].Loss))
		}
	}
	limit := math.Max(8*median(changes), 0.2*(percentile(losses, 0.9)-percentile(losses, 0.1)))
	spikes := 0
	for i := 1; i < len(points)-1; i++ {
		before, after := points[i-1].Loss, points[i+1].Loss
		if limit > 0 && points[i].Loss-math.Max(before, after) > limit {
			points[i].Loss = (before + after) / 2
			spikes++
		}
	}
	return spikes
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// usable reports a loss with which one can calculate: no model has one beyond a
// million nats a token that is still training.
func usable(loss float64) bool { return finite(loss) && math.Abs(loss) < 1e6 }
