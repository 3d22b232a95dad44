package cli

import (
	"context"
	"fmt"
	"time"

	"ftadvise/advisor"
	"ftadvise/advisor/policy"
	"ftadvise/calibrate/evidence"
	"ftadvise/cmd/internal/config"
)

// How the budget is shared out until the question is decided. A finished calibration
// keeps no checkpoints, so the next one begins again and must be a good deal longer to
// show more. Halves were dropped: the second would only repeat the first.
const (
	firstShare  = 4   // the first calibration takes budget / firstShare
	growth      = 2   // the next takes at least so many times the time of the last
	leastGrowth = 1.5 // below this a longer calibration is not begun
)

// allowance is the time that all rounds may take together.
type allowance struct {
	total time.Duration
	begun time.Time
	now   func() time.Time
}

// spent is what is gone, the reading of the data and the start of the engine included.
func (b allowance) spent() time.Duration { return b.now().Sub(b.begun) }

func (b allowance) left() time.Duration { return b.total - b.spent() }

// grant is the time of a calibration that is to show more than the last one, which was
// given so many seconds, and is advised to take others; 0 where what is left does not
// reach that far. What was given counts, not what was used: rounds must grow to end.
func (b allowance) grant(lastSeconds, advisedSeconds float64) time.Duration {
	left, last := b.left(), time.Duration(lastSeconds*float64(time.Second))
	next := max(growth*last, time.Duration(advisedSeconds*float64(time.Second)))
	if left-next < growth*next { // no room for a round after this one, so this takes all
		next = left
	}
	if float64(next) < leastGrowth*float64(last) {
		return 0
	}
	return next
}

// untilDecided calibrates for a part of the budget, decides, and while that does not
// answer and more pays for itself, calibrates longer. All rounds together stay within
// the budget.
func (a *app) untilDecided(ctx context.Context, c *config.Loaded, p *policy.Policy, f recommendFlags) (source, *advisor.Recommendation, error) {
	budget := allowance{total: c.Calibration.Budget, begun: a.now(), now: a.now}
	first := *c
	first.Calibration.Budget /= firstShare
	from, err := a.evidenceFor(ctx, &first, f)
	if err != nil {
		return source{}, nil, err
	}
	for round := 1; ; round++ {
		rec, err := a.decide(c, p, from.run)
		if err != nil {
			return source{}, nil, err
		}
		next := a.nextRound(round, budget, rec, from.run)
		if next <= 0 {
			return from, rec, nil
		}
		if from, err = a.anotherRound(ctx, c, from, next); err != nil {
			return source{}, nil, err
		}
	}
}

// nextRound says how a round ended and returns the time of the next; 0: there is none.
func (a *app) nextRound(round int, budget allowance, rec *advisor.Recommendation, run *evidence.Run) time.Duration {
	o := outlookOf(rec)
	next := time.Duration(0)
	if o.against == "" {
		next = budget.grant(max(run.Seconds, run.Setup.BudgetSeconds), o.seconds)
		o.against = "what is left of --budget is too short to show more"
	}
	if next > 0 {
		o.against = "calibrating anew for " + tenths(next)
	}
	a.voice().note("round %d, %s of %s gone: %s: %s", round, tenths(budget.spent()), tenths(budget.total), o.how, o.against)
	return max(0, next)
}

// outlook is what came of a round and what is to be had from another.
type outlook struct {
	how     string
	seconds float64 // that another round is advised to take
	against string  // what speaks against one; "": nothing does
}

func outlookOf(rec *advisor.Recommendation) outlook {
	more := rec.More
	switch {
	case rec.Verdict.Answer.Decides():
		return outlook{how: "decided", against: rec.Headline}
	case more == nil && rec.Verdict.Answer == advisor.BudgetTooSmall && len(rec.Options) > 1 && rec.Gap == nil:
		return outlook{how: "nothing to compare yet"}
	case more == nil:
		return outlook{how: "not decided", against: "more calibration would tell nothing new"}
	}
	o := outlook{seconds: more.Seconds,
		how: fmt.Sprintf("not decided, and %d more steps an arm cost %s and are worth %s", more.Steps, dollars(more.CostUSD), dollars(more.WorthUSD))}
	if !more.Pays {
		o.against = "not worth it"
	}
	return o
}

// anotherRound calibrates what a finished run did, for longer.
func (a *app) anotherRound(ctx context.Context, c *config.Loaded, from source, budget time.Duration) (source, error) {
	s, err := a.openStore(c.Config)
	if err != nil {
		return source{}, err
	}
	_, spec, err := resumable(from.folder)
	if err != nil {
		return source{}, err
	}
	return a.calibrateLonger(ctx, c, s, from, spec, budget.Truncate(100*time.Millisecond))
}

// tenths is a duration to the tenth of a second.
func tenths(d time.Duration) string { return d.Round(100 * time.Millisecond).String() }
