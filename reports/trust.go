package reports

import (
	"fmt"
	"strings"

	"ftadvise/calibrate/evidence"
)

// caution picks the doubt that must not be missed.
func (b *builder) caution() string {
	switch {
	case b.run.Setup.Model.RandomWeights:
		return "The weights are random: times and memory are real, losses mean nothing."
	case b.run.State == evidence.Running || b.run.State == evidence.Stopped:
		return "The calibration is not finished; what is below may change."
	case b.run.State == evidence.Abandoned:
		return "The calibration failed before it was through."
	case b.run.Data.LeakShare > 0.01:
		return percent(b.run.Data.LeakShare) + " of the held-out records are in the training data: held-out losses are too good."
	}
	return ""
}

func (b *builder) trust() []Fact {
	out := []Fact{{Name: "Evidence", Value: regimeWords(b.regime())}}
	if seen, horizon := b.reach(); horizon > 0 && seen > 0 {
		note := fmt.Sprintf("%s of %s steps; the rest is forecast", count(seen), count(horizon))
		if seen >= horizon {
			note = count(horizon) + " steps, nothing is forecast"
		}
		out = append(out, Fact{Name: "Horizon trained", Value: percent(min(1, float64(seen)/float64(horizon))), Note: note})
	}
	if n := b.run.Data.EvalTokens; n > 0 {
		out = append(out, Fact{Name: "Held out", Value: count(n) + " tokens", Note: plural(b.run.Data.EvalRows, "row")})
	}
	if n := b.seeds(); n > 0 {
		out = append(out, Fact{Name: "Seeds", Value: fmt.Sprint(n), Note: seedNote(n)})
	}
	return append(out, Fact{Name: "Warnings", Value: fmt.Sprint(len(b.allWarnings())), Note: b.warningCodes()})
}

// warningCodes names the first warnings; their texts stand below.
func (b *builder) warningCodes() string {
	var codes []string
	for _, w := range b.allWarnings() {
		codes = append(codes, w[0])
	}
	if len(codes) > 3 {
		codes = append(codes[:3], "and more")
	}
	return strings.Join(codes, ", ")
}

func seedNote(n int) string {
	if n == 1 {
		return "the spread between seeds was not measured"
	}
	return ""
}

func (b *builder) regime() evidence.Regime {
	if b.rec != nil && b.rec.Regime != "" {
		return b.rec.Regime
	}
	if len(b.run.Gaps) > 0 {
		return b.run.Gaps[0].Regime
	}
	return ""
}

func regimeWords(r evidence.Regime) string {
	switch r {
	case evidence.Measured:
		return "measured to the horizon"
	case evidence.Decided:
		return "forecast, and it decides"
	case evidence.NeedsMore:
		return "forecast, more would help"
	case evidence.BudgetTooSmall:
		return "too little to decide"
	}
	return "losses were not compared"
}

// reach gives the steps that every compared arm was trained for, and the horizon.
func (b *builder) reach() (seen, horizon int) {
	for i, f := range b.run.Forecasts {
		if i == 0 || f.SeenSteps < seen {
			seen = f.SeenSteps
		}
		horizon = max(horizon, f.HorizonSteps)
	}
	return seen, horizon
}

// seeds is the number of seeds of the arm that has the fewest.
func (b *builder) seeds() int {
	seeds := map[string]map[int64]bool{}
	for _, t := range b.run.Trials {
		if !isMain(t.Stage) || t.Stage == evidence.StageImport {
			continue
		}
		arm := t.Method.String()
		if seeds[arm] == nil {
			seeds[arm] = map[int64]bool{}
		}
		seeds[arm][t.Seed] = true
	}
	fewest := 0
	for _, s := range seeds {
		if fewest == 0 || len(s) < fewest {
			fewest = len(s)
		}
	}
	return fewest
}
