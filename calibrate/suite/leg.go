package suite

import (
	"fmt"
	"slices"

	"ftadvise/calibrate/evidence"
)

// leg is one method at one learning rate on its way to the horizon.
type leg struct {
	method evidence.Method
	rate   float64
	step   int // done
	log    log
}

func newLeg(m evidence.Method, rate float64) *leg {
	return &leg{method: m, rate: rate, log: log{status: evidence.Pending}}
}

func (g *leg) id() string { return fmt.Sprintf("%s-%g", MethodName(g.method), g.rate) }

// open reports whether the leg can go on: it has not diverged.
func (g *leg) open() bool {
	return g.log.status == evidence.Pending || g.log.status == evidence.Completed
}

func (g *leg) lossAt(step int) (float64, bool) {
	at := slices.IndexFunc(g.log.eval, func(p evidence.Point) bool { return p.Step == step })
	if at < 0 || !g.open() {
		return 0, false
	}
	return g.log.eval[at].Loss, true
}

// run is the leg as it is kept. One that was left behind at the cut lost a round.
func (g *leg) run(s evidence.Schedule, horizon int, baseGeneral float64) Run {
	status := g.log.status
	if g.open() && g.step < horizon {
		status = evidence.Dropped
	}
	general := []evidence.Point{{Loss: decimals(baseGeneral)}}
	if n := len(g.log.general); n > 0 {
		general = append(general, g.log.general[n-1])
	}
	return Run{Method: g.method, LearningRate: g.rate, Schedule: s, Status: status, Reason: g.log.reason, Eval: g.log.eval,
		General: general, Trainable: g.log.trainable, Train: decimals(g.log.train)}
}
