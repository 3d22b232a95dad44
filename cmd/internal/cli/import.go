package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
	"ftadvise/calibrate/history"
	"ftadvise/cmd/internal/config"
)

func (a *app) importVerb() (*cobra.Command, error) {
	cmd, err := verb("import [LABEL=]PATH...", "store trainings of others as a run: trainer_state.json, TensorBoard events, CSV, JSON or JSON Lines of step and loss",
		a.importRuns, "calibration.horizon")
	if err != nil {
		return nil, err
	}
	cmd.Args = atLeast(1, "PATH")
	return cmd, nil
}

func (a *app) importRuns(cmd *cobra.Command, args []string) error {
	c, s, err := a.settingsAndStore(cmd)
	if err != nil {
		return err
	}
	run, err := a.readHistory(c.Config, args)
	if err != nil {
		return err
	}
	f, err := s.Create(run)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	a.voice().note("stored as run %s; ftadvise recommend --run %s decides from it", run.ID, run.ID)
	return a.printRun(run, c.Output)
}

// readHistory makes a run of other trainers' logs, with forecasts where a horizon is
// known and two methods can be told apart.
func (a *app) readHistory(c config.Config, paths []string) (*evidence.Run, error) {
	records, warnings, err := history.Read(paths)
	if err != nil {
		return nil, err
	}
	run, _ := history.Run("", a.now().UTC(), records) // its doubts are among its warnings
	run.Version = version()
	run.Warnings = append(run.Warnings, warnings...)
	if c.Calibration.Horizon > 0 {
		run.Setup.HorizonSteps = c.Calibration.Horizon
	}
	if run.Setup.HorizonSteps == 0 {
		return run, nil
	}
	forecasts, gaps, more, err := forecast.Arms(run, run.Setup.HorizonSteps)
	var short *forecast.Error
	if errors.As(err, &short) { // too little to extrapolate from; the losses themselves stand
		run.Warnings = append(run.Warnings, evidence.Warning{Code: "no-forecast", Text: fmt.Sprintf("No forecast at the horizon: %v.", err)})
		return run, nil
	}
	run.Forecasts, run.Gaps = forecasts, gaps
	run.Warnings = append(run.Warnings, more...)
	return run, err
}
