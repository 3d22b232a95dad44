package history

import (
	"encoding/json"
	"fmt"

	"ftadvise/calibrate/evidence"
)

// parseRun reads a calibration of ftadvise's own: its trials with a curve.
func parseRun(path string, data []byte) ([]Record, []evidence.Warning, error) {
	var run evidence.Run
	if err := json.Unmarshal(data, &run); err != nil {
		return nil, nil, &Error{path, "is no run of ftadvise", "give the run.json as it was written", err}
	}
	if run.Schema > evidence.SchemaVersion {
		return nil, nil, &Error{Where: path, What: fmt.Sprintf("has schema %d, and this program reads up to %d", run.Schema, evidence.SchemaVersion), Advice: "use a newer ftadvise"}
	}
	var out []Record
	for _, t := range run.Trials {
		if len(t.Outcome.EvalLoss)+len(t.Outcome.TrainLoss) < 2 {
			continue
		}
		out = append(out, Record{Name: t.ID, Data: run.Data.Fingerprint, Method: t.Method, Rate: t.LearningRate,
			Schedule: t.Schedule, Train: t.Outcome.TrainLoss, Eval: t.Outcome.EvalLoss, GradNorm: t.Outcome.GradNorm, Accuracy: t.Outcome.EvalAccuracy, TotalSteps: t.Steps})
	}
	if len(out) == 0 {
		return nil, nil, &Error{Where: path, What: "has no trial with two losses", Advice: "import a run that trained"}
	}
	return out, nil, nil
}
