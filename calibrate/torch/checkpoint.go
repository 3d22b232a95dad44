package torch

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"ftadvise/calibrate"
	"ftadvise/calibrate/safetensors"
	"ftadvise/calibrate/torch/decoder"
)

// stateFile is a checkpoint's only file, written whole or not at all.
const stateFile = "state.safetensors"

func saveCheckpoint(m *decoder.Model, arm int, segment calibrate.Segment, step int) error {
	tensors, err := m.State(arm)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(segment.Save, 0o755); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	meta := map[string]string{"step": strconv.Itoa(step), "method": segment.Trial.Method.String()}
	if err := safetensors.Write(filepath.Join(segment.Save, stateFile), tensors, meta); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

func loadCheckpoint(m *decoder.Model, arm int, segment calibrate.Segment) error {
	root, err := os.OpenRoot(segment.Load)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	defer root.Close()
	file, err := safetensors.Open(root, stateFile)
	if err != nil {
		return fmt.Errorf("checkpoint %s: %w", segment.Load, err)
	}
	defer file.Close()
	meta := file.Metadata()
	if step := strconv.Itoa(segment.FromStep); meta["step"] != step || meta["method"] != segment.Trial.Method.String() {
		return fmt.Errorf("checkpoint %s: is of %s at step %s, not of %s at step %s", segment.Load, meta["method"], meta["step"], segment.Trial.Method, step)
	}
	return m.SetState(arm, file)
}
