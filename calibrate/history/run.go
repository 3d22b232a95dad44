package history

import (
	"fmt"
	"strings"
	"time"

	"ftadvise/calibrate/evidence"
)

// Run turns records into one run whose trials are imports, with an ID and a time
// given by the caller. What the records do not say stays empty, and each record whose
// method is not known is told as a warning: it counts for no comparison.
func Run(id string, created time.Time, records []Record) (*evidence.Run, []evidence.Warning) {
	run := &evidence.Run{Schema: evidence.SchemaVersion, ID: id, CreatedAt: created, FinishedAt: created, State: evidence.Done}
	var warnings []evidence.Warning
	taken := map[string]bool{}
	for _, r := range records {
		t := r.trial(taken)
		run.Trials = append(run.Trials, t)
		run.Setup.HorizonSteps = max(run.Setup.HorizonSteps, r.TotalSteps, t.Outcome.Steps)
		if r.Method.Kind == "" {
			warnings = append(warnings, evidence.Warning{Code: "unknown-method",
				Text: fmt.Sprintf("%s: the name tells neither full nor LoRA; import it as full=PATH or lora-r8=PATH.", r.Name)})
		}
		if r.Method.Kind == evidence.LoRA && run.Setup.LoRA.Kind == "" {
			run.Setup.LoRA = r.Method
		}
		if r.Data != "" {
			run.Data.Name = r.Data
		}
	}
	run.Setup.Model.Name = "imported"
	run.Warnings = warnings
	return run, warnings
}

// trial states a record as a trial; one that stopped short of its plan was cut.
func (r Record) trial(taken map[string]bool) evidence.TrialResult {
	t := evidence.TrialResult{Trial: evidence.Trial{ID: idOf(r.Name, taken), Stage: evidence.StageImport, Method: r.Method,
		LearningRate: r.Rate, Schedule: r.Schedule, Seed: r.Seed}}
	t.Outcome = evidence.Outcome{Status: evidence.Completed, EvalLoss: finite(r.Eval), TrainLoss: finite(r.Train), GradNorm: finite(r.GradNorm), EvalAccuracy: r.Accuracy}
	for _, points := range [][]evidence.Point{r.Train, r.Eval} {
		for _, p := range points {
			t.Outcome.Steps = max(t.Outcome.Steps, p.Step)
		}
	}
	t.Steps = max(r.TotalSteps, t.Outcome.Steps)
	if diverged(r.Eval) || diverged(r.Train) {
		t.Outcome.Status, t.Outcome.Reason = evidence.Diverged, "the log ends in a loss that is not finite"
	} else if t.Outcome.Steps < t.Steps {
		t.Outcome.Status, t.Outcome.Reason = evidence.CutByBudget, fmt.Sprintf("the log ends at step %d of %d", t.Outcome.Steps, t.Steps)
	}
	return t
}

// finite keeps what JSON can hold.
func finite(points []evidence.Point) []evidence.Point {
	var out []evidence.Point
	for _, p := range points {
		if p.Loss-p.Loss == 0 {
			out = append(out, p)
		}
	}
	return out
}

func diverged(points []evidence.Point) bool {
	if len(points) == 0 {
		return false
	}
	last := points[len(points)-1].Loss
	return last-last != 0
}

// idOf makes a trial's ID of a name: [a-z0-9.-]+, unique in its run.
func idOf(name string, taken map[string]bool) string {
	id := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, name), "-")
	if id == "" {
		id = "run"
	}
	for base, n := id, 2; taken[id]; n++ {
		id = fmt.Sprintf("%s-%d", base, n)
	}
	taken[id] = true
	return id
}
