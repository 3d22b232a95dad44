package cli

import (
	"fmt"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
)

// closer is an observer that has something to finish when a calibration is over.
type closer interface {
	calibrate.Observer
	close()
}

// newProgress tells a person how a calibration goes: a live view on a terminal that
// is wide enough, plain lines elsewhere.
func (a *app) newProgress() closer {
	size := func() (int, int) { return a.terminalSize(a.err) }
	if width, _ := size(); width >= narrowest && !a.quiet {
		l := newLive(a.voice(), size, a.now)
		l.colour = a.env("NO_COLOR") == ""
		l.watchClock()
		return l
	}
	return newPlain(a.voice(), a.now)
}

// plain tells of a calibration in plain lines: one now and then while a trial trains,
// one at its end.
type plain struct {
	voice  voice
	now    func() time.Time
	trials map[string]evidence.Trial
	loss   map[string]calibrate.EvalDone // newest held-out ones: rates may train in one pass
	told   time.Time                     // when the last line about steps was written
}

func newPlain(v voice, now func() time.Time) *plain {
	return &plain{voice: v, now: now, trials: map[string]evidence.Trial{}, loss: map[string]calibrate.EvalDone{}}
}

func (p *plain) close() {}

// Planned implements calibrate.Observer.
func (p *plain) Planned(run *evidence.Run) {
	for _, t := range run.Trials {
		p.trials[t.ID] = t.Trial
	}
}

// Happened implements calibrate.Observer.
func (p *plain) Happened(e calibrate.Event) {
	switch e := e.(type) {
	case calibrate.TrialStarted:
		p.told = p.now()
		delete(p.loss, e.Trial)
	case calibrate.StepDone:
		p.step(e)
	case calibrate.EvalDone:
		if e.Set == calibrate.SetHeldOut {
			p.loss[e.Trial] = e
		}
	case calibrate.TrialEnded:
		p.end(e)
	case calibrate.LogLine:
		p.voice.log(e)
	}
}

// name is how a trial is called on a line: its method and rate.
func (p *plain) name(trial string) string {
	t, ok := p.trials[trial]
	if !ok {
		return trial
	}
	return trialName(t)
}

func trialName(t evidence.Trial) string {
	return fmt.Sprintf("%s %s at %.2g", t.Stage, t.Method, t.LearningRate)
}

// every is how often a plain line reports a trial's steps.
const every = 10 * time.Second

func (p *plain) step(e calibrate.StepDone) {
	if p.now().Sub(p.told) < every {
		return
	}
	p.told = p.now()
	text := fmt.Sprintf("%s  loss %.3f", p.name(e.Trial), e.Loss)
	if e.Seconds > 0 {
		text += fmt.Sprintf("  %s tokens/s", count(int64(float64(e.Tokens)/e.Seconds)))
	}
	p.voice.note("%s  step %d of %d", text, e.Step, p.trials[e.Trial].Steps)
}

func (p *plain) end(e calibrate.TrialEnded) {
	planned := p.trials[e.Trial].Steps
	text := fmt.Sprintf("%s: %s at step %d", p.name(e.Trial), e.Status, e.Steps)
	if e.Status == evidence.Completed && e.Steps < planned { // its turn is over, the trial is not
		text = fmt.Sprintf("%s: step %d", p.name(e.Trial), e.Steps)
	}
	if planned > 0 {
		text += fmt.Sprintf(" of %d", planned)
	}
	if eval, ok := p.loss[e.Trial]; ok {
		text += fmt.Sprintf(", held-out loss %.4f", eval.Loss)
		if eval.Accuracy != nil {
			text += ", accuracy " + percentage(*eval.Accuracy)
		}
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	p.voice.note("%s", text)
}

// log passes on what an engine wants a person to know.
func (v voice) log(e calibrate.LogLine) {
	if e.Level == "warning" {
		v.warning(e.Text)
		return
	}
	v.note("%s", e.Text)
}

// count prints a number of things in at most four characters and a suffix.
func count(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.3g G", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.3g M", float64(n)/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.3g k", float64(n)/1e3)
	}
	return fmt.Sprint(n)
}

// gibibytes prints bytes for people; none were measured where there are 0.
func gibibytes(n int64) string {
	const mib, gib = 1 << 20, 1 << 30
	if n == 0 {
		return "-"
	}
	if n >= gib {
		return fmt.Sprintf("%.2f GiB", float64(n)/gib)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/mib)
}

// observers tells several observers, in order.
type observers []calibrate.Observer

// Planned implements calibrate.Observer.
func (all observers) Planned(run *evidence.Run) {
	for _, o := range all {
		o.Planned(run)
	}
}

// Happened implements calibrate.Observer.
func (all observers) Happened(e calibrate.Event) {
	for _, o := range all {
		o.Happened(e)
	}
}
