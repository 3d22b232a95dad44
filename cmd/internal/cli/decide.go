package cli

import (
	"fmt"
	"os"

	"ftadvise/advisor"
	"ftadvise/advisor/policy"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
	"ftadvise/calibrate/store"
	"ftadvise/cmd/internal/config"
	"ftadvise/policies"
)

// loadPolicy reads the policy that the settings name, built in or a file.
func loadPolicy(c *config.Loaded) (*policy.Policy, error) {
	return policy.Load(c.Policy, policies.FS())
}

// decide advises from a run alone. Another horizon than the run's own is forecast anew.
func (a *app) decide(c *config.Loaded, p *policy.Policy, run *evidence.Run) (*advisor.Recommendation, error) {
	run, err := atHorizon(run, stepsAsked(c, run))
	if err != nil {
		return nil, err
	}
	rec, err := advisor.Recommend(run, c.Stakes, c.StakeOrigins(), p, a.now().UTC())
	if err != nil {
		return nil, err
	}
	rec.Version = version()
	return rec, nil
}

// stepsAsked is the horizon that the user gave, in steps of the run; 0 where none. Epochs
// count where they were typed: those of a file stood there when the run was made.
func stepsAsked(c *config.Loaded, run *evidence.Run) int {
	tokens, step := c.Calibration.HorizonTokens, run.Setup.StepTokens()
	if tokens == 0 && c.Origins["calibration.epochs"] == "--epochs" {
		tokens = c.Calibration.Epochs * float64(run.Data.Tokens)
	}
	if c.Calibration.Horizon > 0 || tokens == 0 || step == 0 {
		return c.Calibration.Horizon
	}
	return stepsOf(tokens, step)
}

// atHorizon returns the run as it looks at another horizon; 0 keeps its own.
func atHorizon(run *evidence.Run, steps int) (*evidence.Run, error) {
	if steps == 0 || steps == run.Setup.HorizonSteps {
		return run, nil
	}
	forecasts, gaps, warnings, err := forecast.Arms(run, steps)
	if err != nil {
		return nil, fmt.Errorf("forecast run %s at step %d: %w", run.ID, steps, err)
	}
	moved := *run
	moved.Setup.HorizonSteps = steps
	moved.Forecasts, moved.Gaps = forecasts, gaps
	moved.Warnings = append(append([]evidence.Warning{}, run.Warnings...), warnings...)
	return &moved, nil
}

// source is a run with the folder that files about it belong in.
type source struct {
	run    *evidence.Run
	dir    string
	folder *store.Folder // nil where the run is a file of its own
}

// openRun reads a run by its ID, as the latest, or from a run.json that lies anywhere.
func (a *app) openRun(c config.Config, ref string) (source, error) {
	run, err := readRun(ref)
	if err != nil {
		return source{}, err
	}
	if run != nil {
		dir, err := os.Getwd()
		return source{run: run, dir: dir}, err
	}
	s, err := a.openStore(c)
	if err != nil {
		return source{}, err
	}
	f, err := folder(s, ref)
	if err != nil {
		return source{}, err
	}
	run, err = f.Load()
	return source{run, f.Path(), f}, err
}
