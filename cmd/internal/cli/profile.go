package cli

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"ftadvise/calibrate"
)

// profileFlag lets a verb that calibrates trace a few steps of each method.
func (a *app) profileFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.profile, "profile", "", "when all is measured, trace a few steps of each method into this file, for ui.perfetto.dev, and say where time and memory went")
}

// openProfile makes sure that the trace can be written before anything is trained. The
// engine is another process, so the path is made whole.
func (a *app) openProfile() error {
	if a.profile == "" {
		return nil
	}
	path, err := filepath.Abs(a.profile)
	if err == nil {
		err = os.WriteFile(path, nil, 0o644)
	}
	if err != nil {
		return &calibrate.InputError{Where: "--profile", What: err.Error(), Hint: "name a file in a folder that exists and may be written to"}
	}
	a.profile = path
	return nil
}
