package calibrate

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"ftadvise/calibrate/evidence"
)

// maxExtensions is how many rates a grid may grow by at each end: 27 times the
// prior's edge covers what has been reported (3 to 33 times between the methods).
const maxExtensions = 3

// allot makes the plan, once the step times are known.
func (c *calibration) allot(context.Context) error {
	if c.run.Plan != nil || len(c.live()) == 0 {
		return nil
	}
	left, limited := c.remaining()
	if limited && left <= 0 {
		c.warn("budget-too-small", "The budget was spent on finding out whether a step fits; nothing could be compared.")
		return nil
	}
	plan, warnings := NewPlan(c.spec, c.costs(), max(0, left))
	c.run.Plan = &plan
	for _, w := range warnings {
		c.warn(w.Code, w.Text)
	}
	for _, a := range c.searching() {
		for _, rate := range grid(a.prior, plan.SearchRates) {
			c.ensure(c.searchTrial(a, rate))
		}
	}
	c.planned()
	return c.save()
}

func (c *calibration) searchTrial(a arm, rate float64) evidence.Trial {
	return evidence.Trial{ID: a.trialID(rate), Stage: evidence.StageSearch, Method: a.method, LearningRate: rate,
		Schedule: evidence.Schedule{Shape: evidence.Constant, WarmupSteps: c.run.Plan.WarmupSteps},
		Seed:     c.spec.Seed, Steps: searchEnd(*c.run.Plan)}
}

// search finds each arm's learning rate by successive halving: every rate trains to
// the first rung, the better half goes on to the next, and the last one left tells at
// which rate the probe's trunk trains. Rounds of different arms share a group, so that
// a machine's drift falls on all alike.
func (c *calibration) search(ctx context.Context) error {
	if c.run.Plan == nil {
		return nil
	}
	rungs := c.run.Plan.RungSteps
	for r, rung := range rungs {
		if err := c.advance(ctx, c.inSearch(), rung); err != nil {
			return err
		}
		for r == 0 && c.widen() {
			if err := c.advance(ctx, c.inSearch(), rung); err != nil {
				return err
			}
		}
		if err := c.drop(r, rung); err != nil {
			return err
		}
	}
	if err := c.choose(); err != nil {
		return err
	}
	return c.follow(ctx)
}

// rates are an arm's trials of the search, by rate: dropped ones and the winner too.
func (c *calibration) rates(a arm) []*evidence.TrialResult {
	var out []*evidence.TrialResult
	for i := range c.run.Trials {
		t := &c.run.Trials[i]
		searched := t.Stage == evidence.StageSearch || t.Stage == evidence.StageProbe
		if searched && t.Method == a.method && t.Seed == c.spec.Seed {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(x, y *evidence.TrialResult) int { return cmp.Compare(x.LearningRate, y.LearningRate) })
	return out
}

// candidates are the rates of an arm that are still in the running.
func (c *calibration) candidates(a arm) []*evidence.TrialResult {
	return slices.DeleteFunc(c.rates(a), func(t *evidence.TrialResult) bool {
		return t.Outcome.Status == evidence.Dropped || t.Outcome.Status == evidence.Diverged
	})
}

// inSearch lists the candidates of all arms, those of one arm together: an engine may
// then train them in one pass.
func (c *calibration) inSearch() []string {
	var out []string
	for _, a := range c.undecided() {
		for _, t := range c.candidates(a) {
			out = append(out, t.ID)
		}
	}
	return out
}

// lossAt is a trial's held-out loss at a step; a trial that did not come so far, or
// lost its way, has an infinite one.
func lossAt(t *evidence.TrialResult, step int) float64 {
	for _, p := range t.Outcome.EvalLoss {
		if p.Step == step {
			return p.Loss
		}
	}
	return math.Inf(1)
}

// widen adds a rate beyond the grid's edge for each arm whose best rate lies there;
// it reports whether it added any. Where every rate diverged, it goes lower.
func (c *calibration) widen() bool {
	added := false
	for _, a := range c.undecided() {
		rate, ok := c.beyond(a)
		if ok && !c.exhausted() {
			c.ensure(c.searchTrial(a, rate))
			added = true
		}
	}
	if added {
		c.planned()
	}
	return added
}

// beyond is the rate to add to an arm's grid, if any.
func (c *calibration) beyond(a arm) (float64, bool) {
	all := c.rates(a)
	if len(all) < 2 {
		return 0, false
	}
	rung := c.run.Plan.RungSteps[0]
	best := 0
	for i, t := range all {
		if math.IsInf(lossAt(t, rung), 1) && t.Outcome.Status != evidence.Diverged {
			return 0, false // cut on the way: the time is too short for more
		}
		if lossAt(t, rung) < lossAt(all[best], rung) {
			best = i
		}
	}
	first := grid(a.prior, c.run.Plan.SearchRates)
	low, high := all[0].LearningRate, all[len(all)-1].LearningRate
	switch most := math.Pow(rateFactor, maxExtensions) * 1.1; {
	case best == 0 && first[0]/low*rateFactor < most:
		return roundRate(low / rateFactor), true
	case best == len(all)-1 && high/first[len(first)-1]*rateFactor < most:
		return roundRate(high * rateFactor), true
	case best == 0 || best == len(all)-1:
		c.warn("rate-at-edge", fmt.Sprintf("%s: the best learning rate of the search lies at its edge, %.3g; a better one may lie beyond.",
			a.method, all[best].LearningRate))
	}
	return 0, false
}

// drop ends a round: of each arm's rates that came to the rung the better half
// stays, after the last round one. It counts all that ever came there, so that a
// resumed run, whose losers are gone already, drops no more.
func (c *calibration) drop(round, rung int) error {
	for _, a := range c.undecided() {
		came := slices.DeleteFunc(c.rates(a), func(t *evidence.TrialResult) bool { return math.IsInf(lossAt(t, rung), 1) })
		keep := (len(came) + 1) / 2
		if round == len(c.run.Plan.RungSteps)-1 {
			keep = 1
		}
		slices.SortStableFunc(came, func(x, y *evidence.TrialResult) int { return cmp.Compare(lossAt(x, rung), lossAt(y, rung)) })
		for _, t := range came[min(keep, len(came)):] {
			if err := c.lose(t, fmt.Sprintf("another rate did better at step %d", rung)); err != nil {
				return err
			}
		}
	}
	return c.save()
}

// lose drops a trial and its checkpoint.
func (c *calibration) lose(t *evidence.TrialResult, reason string) error {
	if over(t.Outcome.Status) && t.Outcome.Status != evidence.Completed && t.Outcome.Status != evidence.CutByBudget {
		return nil
	}
	old := t.Outcome.Checkpoint
	t.Outcome.Status, t.Outcome.Reason, t.Outcome.Checkpoint = evidence.Dropped, reason, ""
	return c.discard(old)
}

// choose ends each arm's search. Where the time was up before it ended, the best so far
// stands.
func (c *calibration) choose() error {
	for _, a := range c.undecided() {
		all := c.candidates(a)
		if len(all) == 0 {
			c.warn("arm-diverged", fmt.Sprintf("%s diverged at every learning rate tried; nothing is known of it but its time and memory.", a.method))
			continue
		}
		slices.SortStableFunc(all, func(x, y *evidence.TrialResult) int {
			return cmp.Or(cmp.Compare(y.Outcome.Steps, x.Outcome.Steps), cmp.Compare(lastLoss(x), lastLoss(y)))
		})
		for _, t := range all[1:] {
			if err := c.lose(t, "the time was up before the search had ended"); err != nil {
				return err
			}
		}
		if winner := all[0]; winner.Outcome.Status == evidence.CutByBudget && !c.exhausted() {
			winner.Outcome.Status, winner.Outcome.Reason = evidence.Paused, "" // there is time to go on
		}
		if err := c.begins(a, all[0]); err != nil {
			return err
		}
	}
	return c.save()
}

func lastLoss(t *evidence.TrialResult) float64 {
	if p, ok := t.Outcome.LastEval(); ok {
		return p.Loss
	}
	return math.Inf(1)
}
