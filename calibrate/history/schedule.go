package history

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// scheduleOf reads the peak rate and the schedule's shape from logged learning
// rates. total is the planned number of steps, 0 where the log does not say. The
// shape stays empty where too little was logged to tell.
func scheduleOf(rates []evidence.Point, total int) (float64, evidence.Schedule) {
	var peak evidence.Point
	for _, p := range rates {
		if p.Loss > peak.Loss {
			peak = p
		}
	}
	if len(rates) < 4 || peak.Loss <= 0 {
		return peak.Loss, evidence.Schedule{}
	}
	last := rates[len(rates)-1]
	if last.Loss > 0.999*peak.Loss {
		return peak.Loss, evidence.Schedule{Shape: evidence.Constant, WarmupSteps: peak.Step}
	}
	warmup := peak.Step
	if rates[0].Step == peak.Step {
		warmup = 0
	}
	best, top, least := evidence.Schedule{}, peak.Loss, math.Inf(1)
	for _, shape := range []evidence.Shape{evidence.Linear, evidence.Cosine} {
		s := evidence.Schedule{Shape: shape, WarmupSteps: warmup, TotalSteps: total}
		if total == 0 {
			s.TotalSteps = zeroOf(shape, peak, last)
		}
		if height, e := fitPeak(s, rates); e < least {
			best, top, least = s, height, e
		}
	}
	return math.Max(top, peak.Loss), best
}

// zeroOf is the step at which a shape that passes through both points reaches zero.
func zeroOf(shape evidence.Shape, peak, last evidence.Point) int {
	share := last.Loss / peak.Loss
	done := 1 - share
	if shape == evidence.Cosine {
		done = math.Acos(math.Max(-1, 2*share-1)) / math.Pi
	}
	steps := float64(peak.Step) + float64(last.Step-peak.Step)/math.Max(done, 1e-3)
	return int(math.Min(math.Round(steps), math.MaxInt32))
}

// fitPeak is the peak rate that suits a shape best, and the squares left over as a
// share. Trainers log the rate that the next step will use, and without a warm-up
// the peak itself is never logged.
func fitPeak(s evidence.Schedule, rates []evidence.Point) (peak, misfit float64) {
	var fr, ff, rr float64
	for _, p := range rates {
		if p.Step >= s.WarmupSteps {
			f := s.Factor(p.Step + 1)
			fr, ff, rr = fr+f*p.Loss, ff+f*f, rr+p.Loss*p.Loss
		}
	}
	if ff == 0 || rr == 0 {
		return 0, math.Inf(1)
	}
	return fr / ff, 1 - fr*fr/(ff*rr)
}
