package history

import (
	"encoding/json"

	"ftadvise/calibrate/evidence"
)

// trainerState is what transformers' Trainer saves beside a checkpoint.
type trainerState struct {
	MaxSteps     int              `json:"max_steps"`
	LoggingSteps float64          `json:"logging_steps"`
	LogHistory   []map[string]any `json:"log_history"`
}

// parseTrainerState reads a trainer_state.json. The summary that ends a finished
// run's log carries train_loss, a mean over the whole run, which is no point of the
// curve; it is left out by its runtime.
func parseTrainerState(path string, data []byte) ([]Record, []evidence.Warning, error) {
	var state trainerState
	if err := json.Unmarshal(data, &state); err != nil {
		return nil, nil, &Error{path, "is no trainer_state.json", "give the file as transformers wrote it", err}
	}
	var rows []row
	for _, r := range rowsOf(state.LogHistory) {
		if _, summary := r.values["train_runtime"]; !summary {
			r.run = ""
			rows = append(rows, r)
		}
	}
	if len(rows) == 0 {
		return nil, nil, &Error{Where: path, What: "has an empty log_history", Advice: "train with logging_steps set"}
	}
	r, err := recordOf(path, "", rows)
	if err != nil {
		return nil, nil, err
	}
	r.TotalSteps = state.MaxSteps
	if rates := points(rows, "step", "learning_rate"); len(rates) > 0 {
		r.Rate, r.Schedule = scheduleOf(rates, state.MaxSteps)
	}
	return []Record{r}, nil, nil
}
