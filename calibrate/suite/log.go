package suite

import (
	"math"
	"slices"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
)

// log is what was heard of a segment.
type log struct {
	status        evidence.Status
	reason        string
	eval, general []evidence.Point
	trainable     int64
	train         float64 // smoothed
}

// hear adds an event to the log of its trial.
func hear(logs map[string]log, event calibrate.Event) {
	switch x := event.(type) {
	case calibrate.TrialStarted:
		logs[x.Trial] = log{trainable: x.TrainableParams}
	case calibrate.StepDone:
		l := logs[x.Trial]
		l.smooth(x.Loss)
		logs[x.Trial] = l
	case calibrate.EvalDone:
		l := logs[x.Trial]
		p := evidence.Point{Step: x.Step, Loss: decimals(x.Loss)}
		if x.Set == calibrate.SetGeneral {
			l.general = append(l.general, p)
		} else {
			l.eval = append(l.eval, p)
		}
		logs[x.Trial] = l
	case calibrate.TrialEnded:
		l := logs[x.Trial]
		l.status, l.reason = x.Status, x.Reason
		logs[x.Trial] = l
	}
}

// smooth takes in a step's loss; that of a trial which diverges may be no number.
func (l *log) smooth(loss float64) {
	switch {
	case math.IsNaN(loss) || math.IsInf(loss, 0):
	case l.train == 0:
		l.train = loss
	default:
		l.train += smoothing * (loss - l.train)
	}
}

// smoothing averages training losses over about 50 steps.
const smoothing = 0.02

// decimals keeps a ten-thousandth of a nat.
func decimals(x float64) float64 { return math.Round(x*1e4) / 1e4 }

// then is this log with what followed.
func (l log) then(next log) log {
	next.eval = append(slices.Clone(l.eval), next.eval...)
	return next
}
