package cli

import (
	"math"
	"slices"
	"sync"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// narrowest is the width of a terminal below which plain lines serve better.
const narrowest = 20

// refresh is the least time between two drawings of the live view.
const refresh = 250 * time.Millisecond

// live shows a calibration on a terminal: the arms as rows, drawn over in place. It
// copies what it is told, since the run goes on changing while the clock draws.
type live struct {
	voice  voice
	screen screen
	size   func() (width, height int)
	now    func() time.Time
	colour bool

	mu        sync.Mutex
	planned   evidence.Run // setup and plan, without trials
	at        time.Time    // when it was planned
	gone      float64      // seconds charged by then
	tracks    []*track
	working   *track // the trial that was heard of last
	forecasts map[string]evidence.Distribution
	stale     bool // there is a loss that the forecasts do not know
	drawn     time.Time
	ended     chan struct{}
	clock     sync.WaitGroup
}

// track is what was told of a trial.
type track struct {
	evidence.Trial
	status evidence.Status
	points []evidence.Point // held-out losses
	right  *float64         // the newest accuracy, of data that have one
	steps  int
	pace   float64 // tokens a second of the newest step
}

func newLive(v voice, size func() (int, int), now func() time.Time) *live {
	return &live{voice: v, screen: screen{w: v.w}, size: size, now: now, ended: make(chan struct{})}
}

// watchClock lets the time left go down while an engine is busy and silent.
func (l *live) watchClock() {
	l.clock.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-l.ended:
				return
			case <-tick.C:
				l.mu.Lock()
				l.redraw()
				l.mu.Unlock()
			}
		}
	})
}

// close leaves the last state on the terminal.
func (l *live) close() {
	close(l.ended)
	l.clock.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.working = nil
	l.drawn = time.Time{}
	l.redraw()
}

// Planned implements calibrate.Observer.
func (l *live) Planned(run *evidence.Run) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.planned = evidence.Run{ID: run.ID, Setup: run.Setup}
	if run.Plan != nil {
		l.planned.Plan = new(*run.Plan)
	}
	l.at, l.gone, l.stale = l.now(), 0, true
	for _, t := range run.Trials {
		l.gone += t.Outcome.Seconds
		k := l.track(t.ID)
		if k == nil {
			k = &track{}
			l.tracks = append(l.tracks, k)
		}
		k.Trial, k.status, k.steps = t.Trial, t.Outcome.Status, t.Outcome.Steps
		k.points = slices.Clone(t.Outcome.EvalLoss)
		if p, ok := t.Outcome.LastAccuracy(); ok {
			k.right = new(p.Loss)
		}
	}
	l.redraw()
}

func (l *live) track(id string) *track {
	for _, t := range l.tracks {
		if t.ID == id {
			return t
		}
	}
	return nil
}

// Happened implements calibrate.Observer.
func (l *live) Happened(e calibrate.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e := e.(type) {
	case calibrate.TrialStarted:
		l.working = l.track(e.Trial)
	case calibrate.StepDone:
		l.stepped(e)
	case calibrate.EvalDone:
		l.evaluated(e)
	case calibrate.TrialEnded:
		l.over(e)
	case calibrate.LogLine:
		l.screen.erase()
		l.voice.log(e)
	}
	l.redraw()
}

func (l *live) stepped(e calibrate.StepDone) {
	t := l.track(e.Trial)
	if t == nil {
		return
	}
	l.working, t.steps = t, e.Step
	if e.Seconds > 0 {
		t.pace = float64(e.Tokens) / e.Seconds
	}
}

// evaluated adds a held-out loss; one that is measured again replaces what followed.
func (l *live) evaluated(e calibrate.EvalDone) {
	t := l.track(e.Trial)
	if t == nil || e.Set != calibrate.SetHeldOut || math.IsNaN(e.Loss) || math.IsInf(e.Loss, 0) {
		return
	}
	t.points = slices.DeleteFunc(t.points, func(p evidence.Point) bool { return p.Step >= e.Step })
	t.points = append(t.points, evidence.Point{Step: e.Step, Loss: e.Loss})
	if e.Accuracy != nil {
		t.right = new(*e.Accuracy)
	}
	l.stale = true
}

// over takes a trial's end; a reason is said, since the view has no place for it.
func (l *live) over(e calibrate.TrialEnded) {
	t := l.track(e.Trial)
	if t == nil {
		return
	}
	t.status, t.steps = e.Status, e.Steps
	if e.Reason != "" {
		l.screen.erase()
		l.voice.note("%s: %s at step %d: %s", trialName(t.Trial), e.Status, e.Steps, e.Reason)
	}
}

// redraw draws the view, unless it was drawn a moment ago.
func (l *live) redraw() {
	now := l.now()
	width, height := l.size()
	if l.tracks == nil || width < narrowest || now.Sub(l.drawn) < refresh {
		return
	}
	l.drawn = now
	l.look()
	l.screen.draw(l.frame(width, height))
}

// enough is how many held-out losses a forecast of the live view wants.
const enough = 4

// look forecasts the probes anew where a loss has come since. That it cannot is no
// news here: the run's own forecast says why.
func (l *live) look() {
	if !l.stale {
		return
	}
	l.stale = false
	l.forecasts = map[string]evidence.Distribution{}
	run := l.planned
	for _, t := range l.tracks {
		if t.Stage == evidence.StageProbe && len(t.points) >= enough {
			run.Trials = append(run.Trials, evidence.TrialResult{Trial: t.Trial,
				Outcome: evidence.Outcome{Status: t.status, Steps: t.steps, EvalLoss: t.points}})
		}
	}
	if len(run.Trials) == 0 {
		return
	}
	forecasts, _, _, err := forecast.Arms(&run, run.Setup.HorizonSteps)
	if err != nil {
		return
	}
	for _, f := range forecasts {
		l.forecasts[f.Trial] = f.Loss
	}
}

// left is the time that the plan still takes, and whether it is known: the plan's own
// reckoning, within the budget.
func (l *live) left() (time.Duration, bool) {
	gone := l.gone + l.now().Sub(l.at).Seconds()
	budget := l.planned.Setup.BudgetSeconds
	seconds := budget - gone
	if plan := l.planned.Plan; plan != nil {
		seconds = plan.PredictedSeconds - gone
		if budget > 0 {
			seconds = min(seconds, budget-gone)
		}
	} else if budget == 0 {
		return 0, false
	}
	return time.Duration(max(0, seconds) * float64(time.Second)).Round(time.Second), true
}
