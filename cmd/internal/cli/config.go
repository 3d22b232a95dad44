package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"ftadvise/cmd/internal/config"
)

func (a *app) configVerb() (*cobra.Command, error) {
	parent, err := verb("config", "show the settings that hold and where they were said", nil)
	if err != nil {
		return nil, err
	}
	parent.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	var origin bool
	show, err := verb("show", "print every setting", func(cmd *cobra.Command, _ []string) error {
		loaded, err := a.settings(cmd)
		if err != nil {
			return err
		}
		return a.showSettings(loaded, origin)
	}, allPaths()...)
	if err != nil {
		return nil, err
	}
	show.Flags().BoolVar(&origin, "origin", false, "print where each value comes from")
	parent.AddCommand(show)
	return parent, nil
}

// allPaths lists every setting but those that root defines for all verbs.
func allPaths() []string {
	var out []string
	for _, key := range config.Keys() {
		if key.Path != "output" && key.Path != "quiet" && key.Path != "store" {
			out = append(out, key.Path)
		}
	}
	return out
}

// settingRow is one setting of config show --origin.
type settingRow struct {
	Path   string `json:"path"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
}

func (a *app) showSettings(loaded *config.Loaded, origin bool) error {
	if !origin && loaded.Output == "table" {
		_, err := io.WriteString(a.out, config.Document(loaded.Config))
		return err
	}
	rows := make([]settingRow, 0, len(loaded.Origins))
	for _, key := range config.Keys() {
		rows = append(rows, settingRow{key.Path, loaded.Text(key.Path), loaded.Origins[key.Path]})
	}
	if loaded.Output == "json" {
		return a.writeJSON(settingsOutput{Schema: 1, Settings: rows})
	}
	t := table{head: []string{"setting", "value", "origin"}}
	for _, r := range rows {
		t.add(r.Path, r.Value, r.Origin)
	}
	if err := a.writeTable(t, loaded.Output); err != nil {
		return fmt.Errorf("print settings: %w", err)
	}
	return nil
}

// settingsOutput is config show's JSON.
type settingsOutput struct {
	Schema   int          `json:"schema"`
	Settings []settingRow `json:"settings"`
}
