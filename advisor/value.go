package advisor

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// pointsPerNat is how many points of accuracy a nat of held-out loss cost in one
// trial: least squares over its evaluations. NaN with fewer than four, or where
// accuracy did not rise as loss fell. Before training a model does not know how the
// labels are spelt, which says nothing of telling them apart, so step 0 does not count.
func pointsPerNat(o evidence.Outcome) float64 {
	accuracy := map[int]float64{}
	for _, p := range o.EvalAccuracy {
		accuracy[p.Step] = p.Loss
	}
	var n, sx, sy, sxx, sxy float64
	for _, p := range o.EvalLoss {
		y, ok := accuracy[p.Step]
		if !ok || p.Step == 0 || !finite(p.Loss, y) {
			continue
		}
		n, sx, sy, sxx, sxy = n+1, sx+p.Loss, sy+y, sxx+p.Loss*p.Loss, sxy+p.Loss*y
	}
	slope := (n*sxy - sx*sy) / (n*sxx - sx*sx)
	if n < 4 || !finite(slope) || slope >= 0 {
		return math.NaN()
	}
	return -100 * slope
}

// worth is what a nat of held-out loss costs, by its parts.
type worth struct {
	usdPerNat                        float64
	fromPoints, fromErrors, fromRisk float64
	assumed                          bool    // nothing was said of accuracy
	points                           float64 // points of accuracy a nat
	measured                         bool    // points were measured
	growth                           float64 // of errors, relative, a nat
}

// worthOf adds up the four ways of saying what accuracy is worth. Near loss L a nat is
// 100 exp(-L) points of accuracy, since exp(-L) is the (geometric) mean probability of
// the right token; a measured slope takes its place where the data have labels.
// Errors grow with that slope over the share that is wrong today.
func worthOf(s Stakes, loss, measuredPerNat float64) worth {
	w := worth{measured: finite(measuredPerNat)}
	if finite(loss) {
		w.points = 100 * math.Exp(-math.Max(0, loss))
	}
	if w.measured {
		w.points = measuredPerNat
	}
	w.fromPoints = s.USDPerPoint * w.points
	if wrong := 1 - math.Exp(-math.Max(0, loss)); wrong > 0 {
		w.growth = w.points / 100 / wrong
		w.fromErrors = s.ErrorsPerMonth * s.USDPerError * s.Months * w.growth
	}
	w.fromRisk = s.AtRiskUSD / s.AtRiskNats
	w.usdPerNat = s.USDPerNat + w.fromPoints + w.fromErrors + w.fromRisk
	if w.usdPerNat == 0 {
		w.assumed, w.usdPerNat = true, AssumedUSDPerNat
	}
	return w
}
