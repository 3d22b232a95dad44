package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/store"
	"ftadvise/cmd/internal/config"
)

// latest stands for the newest run wherever a run is named.
const latest = "latest"

// settingsAndStore is where a verb about stored runs begins.
func (a *app) settingsAndStore(cmd *cobra.Command) (*config.Loaded, *store.Store, error) {
	c, err := a.settings(cmd)
	if err != nil {
		return nil, nil, err
	}
	s, err := a.openStore(c.Config)
	return c, s, err
}

// openStore opens the folder of the runs.
func (a *app) openStore(c config.Config) (*store.Store, error) {
	dir := c.Store
	if dir == "" {
		dir = store.DefaultDir(a.env)
	}
	if dir == "" {
		return nil, fail(exitEnvironment, "name a folder: --store DIR", "neither XDG_DATA_HOME nor HOME says where runs are kept")
	}
	return store.Open(dir)
}

// folder finds a run's folder by its ID or as the latest.
func folder(s *store.Store, ref string) (*store.Folder, error) {
	if ref != latest {
		return s.Folder(ref)
	}
	runs, _, err := s.List()
	if err != nil {
		return nil, err
	}
	if len(runs) == 0 {
		return nil, fail(exitInput, "ftadvise calibrate makes one", "%s: the store has no runs", s.Path())
	}
	return s.Folder(runs[0].ID)
}

// readRun reads a file, or the run.json of a folder; nil where ref is neither.
func readRun(ref string) (*evidence.Run, error) {
	info, err := os.Stat(ref)
	if errors.Is(err, fs.ErrNotExist) || ref == latest {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		ref = filepath.Join(ref, "run.json")
	}
	data, err := os.ReadFile(ref)
	if err != nil {
		return nil, err
	}
	run, err := evidence.Decode(data)
	if err != nil {
		return nil, fail(exitStore, hintOf(err), "%s: %v", ref, err)
	}
	return run, nil
}
