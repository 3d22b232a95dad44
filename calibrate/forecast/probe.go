package forecast

import (
	"fmt"
	"slices"

	"ftadvise/calibrate/evidence"
)

// arm is one probe with what its decay branches showed.
type arm struct {
	trial  evidence.Trial
	points []evidence.Point // held-out loss along the trunk
	block  int              // a point is the mean over so many steps before it; 0 is a point
	decays []decay          // ascending
}

// decay is how far a branch fell below its trunk: at a trunk step, by how much.
type decay struct {
	step int
	drop float64
}

func (a arm) last() evidence.Point { return a.points[len(a.points)-1] }

// readArms takes the probes of a run; the fixed comparison and imported runs stand
// in where there is no probe.
func readArms(run *evidence.Run) ([]arm, []evidence.Warning) {
	var arms []arm
	var warnings []evidence.Warning
	for _, t := range run.Trials {
		if t.Stage != stageOf(run) || t.Outcome.Status == evidence.Dropped || len(t.Outcome.EvalLoss) == 0 {
			continue
		}
		points, doubts, err := Clean(t.ID, t.Outcome.EvalLoss)
		warnings = append(warnings, doubts.warnings(t.ID)...)
		if err != nil {
			warnings = append(warnings, evidence.Warning{Code: "no-forecast", Text: err.Error()})
			continue
		}
		arms = append(arms, arm{trial: t.Trial, points: points, decays: decaysOf(run, t.ID, points)})
	}
	return arms, warnings
}

func stageOf(run *evidence.Run) evidence.Stage {
	for _, stage := range []evidence.Stage{evidence.StageProbe, evidence.StageEssay} {
		if slices.ContainsFunc(run.Trials, func(t evidence.TrialResult) bool { return t.Stage == stage }) {
			return stage
		}
	}
	return evidence.StageImport
}

func decaysOf(run *evidence.Run, parent string, trunk []evidence.Point) []decay {
	var out []decay
	for _, t := range run.Trials {
		end, ok := t.Outcome.LastEval()
		if t.Stage != evidence.StageBranch || t.Parent != parent || !ok || !finite(end.Loss) {
			continue
		}
		out = append(out, decay{end.Step, at(trunk, float64(end.Step)) - end.Loss})
	}
	slices.SortFunc(out, func(a, b decay) int { return a.step - b.step })
	return out
}

func (d Doubts) warnings(name string) []evidence.Warning {
	var out []evidence.Warning
	if d.Duplicates > 0 {
		out = append(out, evidence.Warning{Code: "duplicated-steps",
			Text: fmt.Sprintf("%s: %d steps came more than once; the later loss stands.", name, d.Duplicates)})
	}
	if d.NotFinite > 0 {
		out = append(out, evidence.Warning{Code: "non-finite-loss",
			Text: fmt.Sprintf("%s: %d losses were not finite and were left out; a lower learning rate may be steadier.", name, d.NotFinite)})
	}
	return out
}
