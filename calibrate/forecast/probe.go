package forecast

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"ftadvise/calibrate/evidence"
)

// arm is one curve to extrapolate.
type arm struct{ Curve }

func (a arm) last() evidence.Point { return a.Points[len(a.Points)-1] }

// readArms takes the probes of a run; the fixed comparison and imported runs stand
// in where there is no probe.
func readArms(run *evidence.Run, horizon int) ([]arm, []evidence.Warning) {
	var arms []arm
	var warnings []evidence.Warning
	for _, t := range run.Trials {
		if t.Stage != stageOf(run) || t.Outcome.Status == evidence.Dropped {
			continue
		}
		c := curveOf(run, t)
		if len(c.Points) == 0 {
			continue
		}
		if lost(t.Outcome.Status) {
			warnings = append(warnings, evidence.Warning{Code: "no-forecast",
				Text: fmt.Sprintf("%s: %s after %d steps, so its curve is not extrapolated.", t.ID, t.Outcome.Status, t.Outcome.Steps)})
			continue
		}
		points, doubts, err := Clean(t.ID, c.Points)
		warnings = append(warnings, doubts.warnings(t.ID)...)
		if err != nil {
			warnings = append(warnings, evidence.Warning{Code: "no-forecast", Text: err.Error()})
			continue
		}
		c.Points = points
		c.Facts = FactsOf(run, t, horizon)
		arms = append(arms, arm{c})
	}
	return arms, warnings
}

// lost reports an outcome that says more than its curve.
func lost(s evidence.Status) bool {
	return s == evidence.Diverged || s == evidence.DoesNotFit || s == evidence.OutOfMemory
}

// curveOf reads a trial's held-out losses, or an imported run's training losses
// where it logged no others. An import keeps its family, as suites of runs are named,
// so that it is not forecast from curves of its own.
func curveOf(run *evidence.Run, t evidence.TrialResult) Curve {
	c := Curve{Name: t.ID, Method: t.Method, Rate: t.LearningRate, Schedule: t.Schedule, Points: t.Outcome.EvalLoss}
	if t.Stage == evidence.StageImport && len(c.Points) < 2 {
		c.Points, c.Window = t.Outcome.TrainLoss, 0.2
	}
	if family, _, suite := strings.Cut(t.ID, "--"); suite && t.Stage == evidence.StageImport {
		c.Family, c.Data = family, run.Data.Name
	}
	return c
}

// FactsOf is what a run tells of a trial's data and method.
func FactsOf(run *evidence.Run, t evidence.TrialResult, horizon int) Facts {
	f := Facts{EpochTokens: int64(math.Round(float64(run.Data.Tokens) * run.Data.LabelledShare)), Trainable: t.Outcome.TrainableParams}
	if run.Data.Tokens > 0 {
		f.Epochs = float64(horizon) * float64(run.Setup.StepTokens()) / float64(run.Data.Tokens)
	}
	if g := run.Domain.BaseGeneralLoss; g != nil {
		f.GeneralLoss = *g
	}
	return f
}

func stageOf(run *evidence.Run) evidence.Stage {
	for _, stage := range []evidence.Stage{evidence.StageProbe, evidence.StageEssay} {
		if slices.ContainsFunc(run.Trials, func(t evidence.TrialResult) bool { return t.Stage == stage }) {
			return stage
		}
	}
	return evidence.StageImport
}

func (d Doubts) warnings(name string) []evidence.Warning {
	var out []evidence.Warning
	add := func(n int, code, text string) {
		if n > 0 {
			out = append(out, evidence.Warning{Code: code, Text: fmt.Sprintf("%s: "+text, name, n)})
		}
	}
	add(d.Duplicates, "duplicated-steps", "%d steps came more than once; the later loss stands.")
	add(d.NotFinite, "non-finite-loss", "%d losses were no finite numbers and were left out; a lower learning rate may be steadier.")
	add(d.Spikes, "spiking-loss", "%d losses stood far above their neighbours and were evened out.")
	return out
}
