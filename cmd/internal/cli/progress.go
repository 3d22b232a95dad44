package cli

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
)

// narrowest is the width of a terminal below which a bar shows nothing but itself.
const narrowest = 60

// progress tells a person how a calibration goes: a bar for the trial at work on a
// terminal, plain lines elsewhere. It implements calibrate.Observer.
type progress struct {
	voice  voice
	width  int // columns; 0: no terminal
	now    func() time.Time
	trials map[string]evidence.Trial
	bar    *progressbar.ProgressBar
	shown  string    // the trial that the bar shows
	told   time.Time // when the last plain line was written
	loss   float64   // the shown trial's newest held-out loss; 0: none yet
}

func (a *app) newProgress() *progress {
	return &progress{voice: a.voice(), width: a.terminalWidth(a.err), now: a.now, trials: map[string]evidence.Trial{}}
}

// Planned implements calibrate.Observer.
func (p *progress) Planned(run *evidence.Run) {
	for _, t := range run.Trials {
		p.trials[t.ID] = t.Trial
	}
}

// Happened implements calibrate.Observer.
func (p *progress) Happened(e calibrate.Event) {
	switch e := e.(type) {
	case calibrate.TrialStarted:
		p.begin(e)
	case calibrate.StepDone:
		p.step(e)
	case calibrate.EvalDone:
		p.evaluated(e)
	case calibrate.TrialEnded:
		p.end(e)
	case calibrate.LogLine:
		p.log(e)
	}
}

// name is how a trial is called on a line: its method and rate.
func (p *progress) name(trial string) string {
	t, ok := p.trials[trial]
	if !ok {
		return trial
	}
	return fmt.Sprintf("%s %s at %.2g", t.Stage, t.Method, t.LearningRate)
}

func (p *progress) begin(e calibrate.TrialStarted) {
	p.clear()
	p.shown, p.told, p.loss = e.Trial, p.now(), 0
	if p.width > 0 && !p.voice.quiet {
		p.bar = p.newBar(e.Trial, p.trials[e.Trial].Steps)
	}
}

func (p *progress) newBar(trial string, steps int) *progressbar.ProgressBar {
	return progressbar.NewOptions(steps,
		progressbar.OptionSetWriter(p.voice.w),
		progressbar.OptionSetDescription(p.name(trial)),
		progressbar.OptionSetWidth(max(4, min(30, p.width-narrowest))),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetPredictTime(p.width >= narrowest),
		progressbar.OptionShowElapsedTimeOnFinish(),
		progressbar.OptionClearOnFinish(),
	)
}

// every is how often a plain line reports a trial's steps.
const every = 10 * time.Second

func (p *progress) step(e calibrate.StepDone) {
	text := fmt.Sprintf("%s  loss %.3f", p.name(e.Trial), e.Loss)
	if e.Seconds > 0 {
		text += fmt.Sprintf("  %s tokens/s", count(int64(float64(e.Tokens)/e.Seconds)))
	}
	if p.bar != nil {
		if p.width >= narrowest {
			p.bar.Describe(text)
		}
		_ = p.bar.Set(e.Step) // a terminal that went away does not stop a calibration
		return
	}
	if p.width == 0 && p.now().Sub(p.told) >= every {
		p.told = p.now()
		p.voice.note("%s  step %d of %d", text, e.Step, p.trials[e.Trial].Steps)
	}
}

func (p *progress) evaluated(e calibrate.EvalDone) {
	if e.Set == calibrate.SetHeldOut && e.Trial == p.shown {
		p.loss = e.Loss
	}
}

func (p *progress) end(e calibrate.TrialEnded) {
	p.clear()
	text := fmt.Sprintf("%s: %s at step %d", p.name(e.Trial), e.Status, e.Steps)
	if planned := p.trials[e.Trial].Steps; planned > 0 {
		text += fmt.Sprintf(" of %d", planned)
	}
	if p.loss > 0 {
		text += fmt.Sprintf(", held-out loss %.4f", p.loss)
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	p.voice.note("%s", text)
}

func (p *progress) log(e calibrate.LogLine) {
	p.clear()
	if e.Level == "warning" {
		p.voice.warning(e.Text)
		return
	}
	p.voice.note("%s", e.Text)
}

// clear takes the bar away, so that a line can be written.
func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
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
