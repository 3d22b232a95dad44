package forecast

import (
	"fmt"
	"math"
	"slices"
)

// coverage is the share of scored curves inside their 80 % interval, averaged within
// each family and then over the families by weight.
func (r Replay) coverage(arms []armOutcome, weights map[string]float64) float64 {
	inside, count := map[string]float64{}, map[string]float64{}
	scored := r.scored()
	for _, a := range arms {
		if !slices.Contains(scored, a.curve) {
			continue
		}
		family := r.Curves[a.curve].family()
		p := a.loss.below(a.truth)
		inside[family] += indicator(p >= 0.1 && p <= 0.9)
		count[family]++
	}
	var sum, total float64
	for family, n := range count {
		sum, total = sum+weights[family]*inside[family]/n, total+weights[family]
	}
	return sum / total
}

// sharpness is the median width of the 80 % intervals and the mean CRPS.
func (r Replay) sharpness(arms []armOutcome) (width, crps float64) {
	var widths []float64
	var sum float64
	scored := r.scored()
	for _, a := range arms {
		if slices.Contains(scored, a.curve) {
			widths = append(widths, a.loss.quantile(0.9)-a.loss.quantile(0.1))
			sum += a.crps()
		}
	}
	return median(widths), sum / math.Max(1, float64(len(widths)))
}

// crps is twice the mean pinball loss over the quantiles.
func (a armOutcome) crps() float64 {
	const parts = 19
	var sum float64
	for i := 1; i <= parts; i++ {
		p := float64(i) / (parts + 1)
		q := a.loss.quantile(p)
		sum += 2 * (a.truth - q) * (p - indicator(a.truth < q))
	}
	return sum / parts
}

// calibrationError is the mean distance, over tenths of the stated probability,
// between it and how often it came true.
func calibrationError(pairs []pairOutcome) float64 {
	var stated, came, count [10]float64
	for _, p := range pairs {
		// Each pair counts both ways round, so the order of its names is no matter.
		for _, q := range []pairOutcome{p, {truth: -p.truth, better: 1 - p.better}} {
			bin := min(9, int(q.better*10))
			stated[bin] += q.better
			came[bin] += indicator(q.truth < 0)
			count[bin]++
		}
	}
	var sum float64
	for i := range count {
		sum += math.Abs(stated[i] - came[i])
	}
	return sum / math.Max(1, 2*float64(len(pairs)))
}

// failures names the pairs called wrongly with confidence, the worst first.
func (r Replay) failures(pairs []pairOutcome) []string {
	wrong := slices.DeleteFunc(slices.Clone(pairs), func(p pairOutcome) bool { return p.right() || p.confidence() < 0.8 })
	slices.SortFunc(wrong, func(a, b pairOutcome) int {
		switch d := math.Abs(b.truth) - math.Abs(a.truth); {
		case d > 0:
			return 1
		case d < 0:
			return -1
		}
		return 0
	})
	var out []string
	for _, p := range wrong {
		a, b := p.a, p.b
		if p.truth > 0 {
			a, b = b, a
		}
		out = append(out, fmt.Sprintf("%s is better than %s by %.4f nats; said %.2f", r.Curves[a].Name, r.Curves[b].Name, math.Abs(p.truth), 1-p.confidence()))
	}
	return out
}
