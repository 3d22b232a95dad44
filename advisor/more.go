package advisor

import (
	"fmt"
	"math"

	"ftadvise/calibrate/evidence"
)

// seedFloor is the spread in nats that remains when the horizon is reached: two seeds
// of the same training differ by about so much.
const seedFloor = 0.003

// more is what n further steps an arm would cost and be worth.
type more struct {
	steps   int
	seconds float64
	cost    float64
	worth   float64
}

func (m more) pays() bool { return m.worth > m.cost }

// spreadAfter is the spread of a difference when steps more have been seen. A forecast
// errs in proportion to the logarithm of what is still missing, since loss falls as a
// power of steps; at the horizon seedFloor remains.
func spreadAfter(sd float64, seen, steps, horizon int) float64 {
	missing := math.Log(float64(horizon) / float64(seen))
	if missing <= 0 || sd <= seedFloor {
		return sd
	}
	left := math.Max(0, math.Log(float64(horizon)/float64(min(seen+steps, horizon))))
	return math.Max(seedFloor, sd*left/missing)
}

// SampleWorth is the expected value of sample information: what it is worth to learn
// so much that the spread of the difference of two costs falls from sd to after. The
// mean that one will then have is spread by sqrt(sd² - after²) around today's (Raiffa
// and Schlaifer's preposterior analysis).
func SampleWorth(mean, sd, after float64) float64 {
	if after >= sd {
		return 0
	}
	return LeaderRegret(mean, math.Sqrt(sd*sd-after*after))
}

// moreEvidence finds the number of further steps with the largest net worth; false
// where nothing is left to learn.
func (a *account) moreEvidence() (more, bool) {
	if !a.compares() {
		return more{}, false
	}
	seen, horizon := a.seen(), a.f.horizon()
	if seen <= 0 || seen >= horizon {
		return more{}, false
	}
	var best more
	found := false
	for _, steps := range a.stepChoices(seen, horizon) {
		m := a.sample(steps, seen, horizon)
		if !found || m.worth-m.cost > best.worth-best.cost {
			best, found = m, true
		}
	}
	return best, found
}

func (a *account) seen() int { return min(a.f.arms[a.f.full].seen, a.f.arms[a.lora].seen) }

func (a *account) stepChoices(seen, horizon int) []int {
	var out []int
	for _, share := range []float64{0.5, 1, 2, 4, 8, 16, 32} {
		if n := int(math.Ceil(share * float64(seen))); n < horizon-seen {
			out = append(out, n)
		}
	}
	if n := a.f.contrasts[a.lora].more; n > 0 && n < horizon-seen {
		out = append(out, n)
	}
	return append(out, horizon-seen)
}

// sample prices steps more of full and of the LoRA arm in question.
func (a *account) sample(steps, seen, horizon int) more {
	c := a.f.contrasts[a.lora]
	mean, sd := a.difference(a.lora, a.f.full)
	shrunk := a.size.gap(contrast{mean: c.mean, sd: spreadAfter(c.sd, seen, steps, horizon)}).sd * a.worth.usdPerNat
	rest := math.Sqrt(math.Max(0, sd*sd-math.Pow(a.gap().sd*a.worth.usdPerNat, 2)))
	m := more{steps: steps, seconds: a.redo() + a.stepOfAll()*float64(steps)}
	m.cost = m.seconds / 3600 * a.price.USDPerHour
	m.worth = SampleWorth(mean, sd, math.Hypot(rest, shrunk))
	return m
}

// stepOfAll is the time of one step of every arm that can be trained: a calibration
// trains them side by side.
func (a *account) stepOfAll() float64 {
	sum := 0.0
	for i := range a.f.arms {
		if a.open(i) {
			sum += a.f.arms[i].step.Median
		}
	}
	return sum
}

// redo is the time to get again where the run is: a run that is done keeps no
// checkpoints, so more steps mean another calibration.
func (a *account) redo() float64 {
	if a.resumable() {
		return 0
	}
	return a.f.spent()
}

func (a *account) resumable() bool {
	return a.f.run.State == evidence.Stopped || a.f.run.State == evidence.Running
}

func (a *account) moreAdvice() *MoreEvidence {
	m, ok := a.moreEvidence()
	if !ok {
		return nil
	}
	return &MoreEvidence{Steps: m.steps, Seconds: m.seconds, CostUSD: m.cost, WorthUSD: m.worth, Pays: m.pays(),
		Command: a.calibrateCommand(m.seconds)}
}

// calibrateCommand goes on with a run that was cut short, else calibrates anew for so
// many seconds, rounded up to whole minutes.
func (a *account) calibrateCommand(secs float64) string {
	run := a.f.run
	if a.resumable() {
		return "ftadvise calibrate --resume " + word(run.ID)
	}
	return fmt.Sprintf("ftadvise recommend --fresh %s --budget %.0fm", ShellWords(Arguments(run)...), math.Max(1, math.Ceil(secs/60)))
}
