package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/cmd/internal/config"
)

// calibrateFlags are calibrate's own.
type calibrateFlags struct {
	preset string
	resume string
}

func (a *app) calibrateVerb() (*cobra.Command, error) {
	var f calibrateFlags
	cmd, err := verb("calibrate", "train both methods for a short while and store what was measured",
		func(cmd *cobra.Command, _ []string) error { return a.calibrate(cmd, f) }, append(calibrationPaths(), "random_weights")...)
	if err != nil {
		return nil, err
	}
	cmd.Flags().StringVar(&f.preset, "preset", "", "essay: the fixed thirty-step comparison, which measures time and memory and decides nothing")
	cmd.Flags().StringVar(&f.resume, "resume", "", "go on with this run (an ID, or latest)")
	a.profileFlag(cmd)
	return cmd, nil
}

// calibrationPaths lists the settings that a calibration depends on.
func calibrationPaths() []string {
	var out []string
	for _, key := range config.Keys() {
		section, _, nested := strings.Cut(key.Path, ".")
		if nested && slices.Contains([]string{"dataset", "calibration", "lora", "optimizer"}, section) ||
			slices.Contains([]string{"model", "data", "engine"}, key.Path) {
			out = append(out, key.Path)
		}
	}
	return out
}

func (a *app) calibrate(cmd *cobra.Command, f calibrateFlags) error {
	if f.preset != "" && f.preset != calibrate.PresetEssay {
		return fail(exitUsage, "there is one: essay", "unknown preset %q", f.preset)
	}
	c, err := a.settings(cmd)
	if err != nil {
		return err
	}
	if err := a.openProfile(); err != nil {
		return err
	}
	run, err := a.calibrated(cmd.Context(), c, f)
	if err != nil {
		return err
	}
	if err := a.printCalibration(run, c.Output); err != nil {
		return err
	}
	if nothingFits(run) {
		return fail(exitDoesNotFit, doesNotFitHint, "no method fits on %s", run.Setup.Device)
	}
	return nil
}

// calibrated carries out the calibration that was asked for, or goes on with one.
func (a *app) calibrated(ctx context.Context, c *config.Loaded, f calibrateFlags) (*evidence.Run, error) {
	s, err := a.openStore(c.Config)
	if err != nil {
		return nil, err
	}
	if f.resume != "" {
		from, err := a.resume(ctx, c, s, f.resume)
		return from.run, err
	}
	m, err := a.openModel(ctx, c.Config, c.RandomWeights)
	if err != nil {
		return nil, err
	}
	if f.preset == calibrate.PresetEssay {
		layEssay(c, m.config)
		if err := a.needData(c); err != nil {
			return nil, err
		}
	}
	from, err := a.calibrateNew(ctx, c, s, m, f.preset)
	return from.run, err
}

func (a *app) printCalibration(run *evidence.Run, output string) error {
	if run.Setup.Preset == calibrate.PresetEssay {
		a.warn(run.Warnings)
		return a.printEssay(run, output)
	}
	return a.printRun(run, output)
}

const doesNotFitHint = "a smaller model, shorter rows (--seq-length) or --checkpointing need less memory"

// nothingFits reports whether every method that was tried ran out of memory.
func nothingFits(run *evidence.Run) bool {
	refused := false
	for _, t := range run.Trials {
		switch t.Outcome.Status {
		case evidence.DoesNotFit:
			refused = true
		case evidence.OutOfMemory: // tried again with fewer rows
		default:
			return false
		}
	}
	return refused
}
