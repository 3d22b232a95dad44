package forecast

import (
	"math"

	"ftadvise/calibrate/evidence"
)

// belief is what one arm's curve says about the horizon.
type belief struct {
	loss     evidence.Distribution
	best     evidence.Distribution
	bestStep int
	slope    float64 // nats a unit of ln(step), at the last seen step
	measured bool
}

// believe extrapolates one arm. Until a law earns weight the last value stands,
// moved by half of what an unbent curve would still bring: the curve bends
// somewhere between there and a straight line in ln(step), and which is not known.
func believe(a arm, horizon int) belief {
	last := a.last()
	if last.Step >= horizon {
		return reached(a, horizon)
	}
	fall := slope(a.points)
	reach := math.Log(float64(horizon) / math.Max(1, float64(last.Step)))
	mean := last.Loss - drop(a.decays) - 0.5*math.Max(0, fall)*reach
	sd := 0.5*math.Abs(fall)*reach + 0.005
	b := belief{loss: normal(mean, sd), slope: fall}
	b.best, b.bestStep = b.loss, horizon
	if low, ok := lowest(a.points); ok && low.Loss < mean {
		b.best, b.bestStep = normal(low.Loss, sd), low.Step
	}
	return b
}

// reached answers from the curve itself.
func reached(a arm, horizon int) belief {
	const noise = 0.002
	loss := at(a.points, float64(horizon)) - drop(a.decays)
	b := belief{loss: normal(loss, noise), slope: slope(a.points), measured: true}
	b.best, b.bestStep = b.loss, horizon
	if low, ok := lowest(a.points); ok && low.Step <= horizon && low.Loss < loss {
		b.best, b.bestStep = normal(low.Loss, noise), low.Step
	}
	return b
}

func drop(decays []decay) float64 {
	if len(decays) == 0 {
		return 0
	}
	return math.Max(0, decays[len(decays)-1].drop)
}

func lowest(points []evidence.Point) (evidence.Point, bool) {
	low, ok := points[0], false
	for _, p := range points[1:] {
		if p.Loss < low.Loss {
			low, ok = p, true
		}
	}
	return low, ok
}

func (b belief) forecast(a arm, horizon int) evidence.Forecast {
	return evidence.Forecast{Trial: a.trial.ID, Method: a.trial.Method, LearningRate: a.trial.LearningRate,
		HorizonSteps: horizon, SeenSteps: a.last().Step, Loss: b.loss, BestLoss: b.best, BestStep: b.bestStep,
		Curve: fan(a, b, horizon)}
}

// fan is the path from the last seen step to the horizon, even in ln(step).
func fan(a arm, b belief, horizon int) []evidence.FanPoint {
	const parts = 12
	last := a.last()
	if b.measured {
		return nil
	}
	out := make([]evidence.FanPoint, 0, parts+1)
	from, to := math.Log(math.Max(1, float64(last.Step))), math.Log(float64(horizon))
	for i := 0; i <= parts; i++ {
		share := float64(i) / parts
		d := normal(last.Loss+share*(b.loss.Mean-last.Loss), share*b.loss.SD)
		out = append(out, evidence.FanPoint{Step: int(math.Round(math.Exp(from + share*(to-from)))), P10: d.P10, P50: d.P50, P90: d.P90})
	}
	return out
}
