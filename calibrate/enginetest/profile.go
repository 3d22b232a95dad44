package enginetest

import (
	"encoding/json"
	"fmt"
	"os"

	"ftadvise/calibrate"
)

// profile writes a trace of one event a trial where the group asks for one, and tells
// its table.
func profile(g calibrate.Group, observe func(calibrate.Event)) error {
	if g.Profile == "" {
		return nil
	}
	var events []map[string]any
	for i, s := range g.Segments {
		events = append(events, map[string]any{"name": "step of " + s.Trial.ID, "ph": "X", "ts": 0, "dur": 1000, "pid": i + 1, "tid": 1})
		observe(calibrate.LogLine{Level: "info", Text: fmt.Sprintf("%s: step 1.000 ms", s.Trial.ID)})
	}
	data, err := json.Marshal(map[string]any{"traceEvents": events})
	if err != nil {
		return err
	}
	if err := os.WriteFile(g.Profile, data, 0o644); err != nil {
		return &calibrate.InputError{Where: g.Profile, What: err.Error(), Hint: "name a file in a folder that exists"}
	}
	return nil
}
