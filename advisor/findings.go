package advisor

import (
	"math"
	"slices"

	"ftadvise/calibrate/evidence"
)

// findings is what the evidence says, before any price: computed once a run, then
// priced again and again as stakes are varied.
type findings struct {
	run       *evidence.Run
	arms      []arm      // full first
	contrasts []contrast // of each arm to full; full's own is zero
	full      int        // index of full's arm; -1 if it was not tried
}

func study(run *evidence.Run) findings {
	f := findings{run: run, arms: armsOf(run), full: -1}
	f.contrasts = make([]contrast, len(f.arms))
	if len(f.arms) > 0 && f.arms[0].method.Kind == evidence.Full {
		f.full = 0
		f.contrasts[0] = contrast{ok: f.arms[0].usable}
	}
	for i := range f.arms {
		if f.full >= 0 && i != f.full {
			f.contrasts[i] = contrastOf(run, f.arms[f.full], f.arms[i])
		}
	}
	return f
}

// asked is the index of the LoRA arm that was asked for; -1 if it was not tried.
func (f findings) asked() int {
	return slices.IndexFunc(f.arms, func(a arm) bool { return a.method == f.run.Setup.LoRA })
}

// hasFull reports whether full can be compared with the LoRA arms.
func (f findings) hasFull() bool { return f.full >= 0 && f.arms[f.full].usable }

// level is an arm's expected loss at the end and its spread: full's forecast (or last
// value) plus the contrast, so that levels and differences agree.
func (f findings) level(i int) (mean, sd float64) {
	a := f.arms[i]
	if !a.usable {
		return math.NaN(), math.NaN()
	}
	own, ownSD := a.ownLevel()
	if i == f.full || !f.hasFull() || !f.contrasts[i].ok {
		return own, ownSD
	}
	base, _ := f.arms[f.full].ownLevel()
	return base + f.contrasts[i].mean, ownSD
}

func (a arm) ownLevel() (mean, sd float64) {
	if a.forecast {
		return a.best.Mean, spread(a.best)
	}
	return a.last.Loss, lastValueFloor
}

// between is arm i's loss less arm j's.
func (f findings) between(i, j int) contrast {
	switch {
	case i == j:
		return contrast{ok: true}
	case j == f.full:
		return f.contrasts[i]
	case i == f.full:
		c := f.contrasts[j]
		c.mean = -c.mean
		return c
	}
	if a, b := f.contrasts[i], f.contrasts[j]; a.ok && b.ok {
		// Both differences hold full's own noise. Where all arms are equally noisy,
		// the difference of two of them has the mean of their variances.
		a.mean, a.sd = a.mean-b.mean, math.Hypot(a.sd, b.sd)/math.Sqrt2
		return a
	}
	return contrastOf(f.run, f.arms[j], f.arms[i])
}

// lowest is the lowest expected loss of all arms that fit; NaN if there is none.
func (f findings) lowest() float64 {
	low := math.NaN()
	for i, a := range f.arms {
		if l, _ := f.level(i); a.usable && !(l >= low) {
			low = l
		}
	}
	return low
}

// horizon is the number of steps a full training takes.
func (f findings) horizon() int {
	h := f.run.Setup.HorizonSteps
	for _, fc := range f.run.Forecasts {
		h = max(h, fc.HorizonSteps)
	}
	if h > 0 {
		return min(h, implausible)
	}
	for _, a := range f.arms {
		h = max(h, a.seen)
	}
	return h
}

// spent is the wall time of the calibration in seconds.
func (f findings) spent() float64 { return positive(f.run.Seconds) }

// spentInAll is that of the rounds before it as well.
func (f findings) spentInAll() float64 { return f.spent() + positive(f.run.EarlierSeconds) }

func positive(v float64) float64 {
	if plausible(v) && v > 0 {
		return v
	}
	return 0
}

// pointsPerNat is the mean of the arms' measured slopes; NaN if none was measured.
func (f findings) pointsPerNat() float64 {
	sum, n := 0.0, 0.0
	for _, a := range f.arms {
		if finite(a.perNat) {
			sum, n = sum+a.perNat, n+1
		}
	}
	return sum / n
}
