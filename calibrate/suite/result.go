package suite

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"ftadvise/calibrate/evidence"
)

// Run is one method at one learning rate.
type Run struct {
	Method       evidence.Method   `json:"method"`
	LearningRate float64           `json:"learning_rate"`
	Schedule     evidence.Schedule `json:"schedule"`
	Status       evidence.Status   `json:"status"`
	Reason       string            `json:"reason,omitempty"`
	Eval         []evidence.Point  `json:"eval"`
	General      []evidence.Point  `json:"general"`
	Trainable    int64             `json:"trainable"`
	Train        float64           `json:"train"` // mean loss of the last steps' batches
}

func (r Run) last() float64 { return r.Eval[len(r.Eval)-1].Loss }

// finished reports whether the run reached the horizon at a constant rate.
func (r Run) finished() bool { return r.Status == evidence.Completed && !r.decays() }

func (r Run) decays() bool { return r.Schedule.Shape != evidence.Constant }

// Result is a unit's runs: those at constant rates, then the decays of each method's best.
type Result struct {
	Seconds     float64 `json:"seconds"` // wall time, with others beside it
	Base        float64 `json:"base"`    // held-out loss of the base
	BaseGeneral float64 `json:"base_general"`
	Runs        []Run   `json:"runs"`
}

// readJSON reads a file into v; false where there is none.
func readJSON(path string, v any) (bool, error) {
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", path, err)
	}
	return true, nil
}

// writeJSON writes a file whole or not at all.
func writeJSON(path string, v any) error {
	data, err := json.Marshal(v)
	if err == nil {
		err = writeFile(path, data)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return renameio.WriteFile(path, data, 0o644)
}
