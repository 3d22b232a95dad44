package advisor

import (
	"fmt"
	"math"

	"ftadvise/calibrate/evidence"
)

// pointsPerNat is how many points of accuracy a nat of held-out loss cost in one
// trial: least squares over its evaluations. NaN with fewer than four, or where
// accuracy did not rise as loss fell.
func pointsPerNat(o evidence.Outcome) float64 {
	accuracy := map[int]float64{}
	for _, p := range o.EvalAccuracy {
		accuracy[p.Step] = p.Loss
	}
	var n, sx, sy, sxx, sxy float64
	for _, p := range o.EvalLoss {
		y, ok := accuracy[p.Step]
		if !ok || !finite(p.Loss, y) {
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

// worth is what a nat of held-out loss costs, with each part's basis.
type worth struct {
	usdPerNat float64
	parts     []string
	assumed   bool    // nothing was said of accuracy
	points    float64 // points of accuracy a nat
	measured  bool    // points were measured
}

// worthOf adds up the four ways of saying what accuracy is worth. Near loss L a nat is
// 100 exp(-L) points of accuracy, since exp(-L) is the (geometric) mean probability of
// the right token; a measured slope takes its place where the data have labels.
// Errors grow with that slope over the share that is wrong today.
func worthOf(s Stakes, loss, measuredPerNat float64) worth {
	w := worth{points: 100 * math.Exp(-math.Max(0, loss)), measured: finite(measuredPerNat)}
	if w.measured {
		w.points = measuredPerNat
	}
	if !finite(loss) {
		w.points = 0
	}
	w.add(s.USDPerNat, "as stated")
	w.add(s.USDPerPoint*w.points, fmt.Sprintf("%s a point x %.3g points a nat", usd(s.USDPerPoint), w.points))
	errors := s.ErrorsPerMonth * s.USDPerError * s.Months
	if wrong := 1 - math.Exp(-math.Max(0, loss)); errors > 0 && wrong > 0 {
		w.add(errors*w.points/100/wrong, fmt.Sprintf("%g errors a month at %s for %g months, growing %.3g-fold a nat",
			s.ErrorsPerMonth, usd(s.USDPerError), s.Months, w.points/100/wrong))
	}
	w.add(s.AtRiskUSD/s.AtRiskNats, fmt.Sprintf("%s at risk over %g nats", usd(s.AtRiskUSD), s.AtRiskNats))
	if w.usdPerNat == 0 {
		w.assumed = true
		w.add(AssumedUSDPerNat, "assumed, since nothing was said of what accuracy is worth")
	}
	return w
}

func (w *worth) add(v float64, basis string) {
	if v > 0 && finite(v) {
		w.usdPerNat += v
		w.parts = append(w.parts, basis)
	}
}
