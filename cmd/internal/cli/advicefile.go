package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"ftadvise/advisor"
	"ftadvise/calibrate/store"
)

// adviceFile holds the newest recommendation in its run's folder, for report, serve
// and whoever reads it.
const adviceFile = "recommendation.json"

// saveRecommendation keeps the advice beside the evidence that it rests on.
func saveRecommendation(f *store.Folder, rec *advisor.Recommendation) error {
	data, err := json.MarshalIndent(rec, "", " ")
	if err != nil {
		return fmt.Errorf("save the recommendation: %w", err)
	}
	return f.WriteFile(adviceFile, append(data, '\n'))
}

// readRecommendation reads a run's advice; nil where none was given yet.
func readRecommendation(f *store.Folder) (*advisor.Recommendation, error) {
	data, err := f.ReadFile(adviceFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decodeRecommendation(data, filepath.Join(f.Path(), adviceFile))
}

// decodeRecommendation refuses advice of a newer version: its fields may mean more.
func decodeRecommendation(data []byte, where string) (*advisor.Recommendation, error) {
	var rec advisor.Recommendation
	if err := json.Unmarshal(data, &rec); err != nil {
		return nil, fail(exitStore, "ftadvise recommend writes it anew", "%s: %v", where, err)
	}
	if rec.Schema != advisor.SchemaVersion {
		return nil, fail(exitStore, "use the ftadvise that wrote it, or recommend anew", "%s: schema %d, this version reads %d", where, rec.Schema, advisor.SchemaVersion)
	}
	return &rec, nil
}
