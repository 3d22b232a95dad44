package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"ftadvise/advisor"
	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/store"
	"ftadvise/calibrate/worker"
	"ftadvise/cmd/internal/config"
)

// The files that a calibration leaves in its run's folder, beside the store's own.
const (
	packFile = "pack.safetensors"
	logFile  = "engine.log"
)

// calibrateNew makes a run and carries it out. What fails before the first training
// step leaves no run behind.
func (a *app) calibrateNew(ctx context.Context, c *config.Loaded, s *store.Store, m baseModel, preset string) (source, error) {
	if err := m.check(c.Config); err != nil {
		return source{}, err
	}
	watch, err := a.watch(ctx, c)
	if err != nil {
		return source{}, err
	}
	defer watch.stop()
	run := &evidence.Run{CreatedAt: a.now().UTC(), Version: version(), State: evidence.Running}
	f, err := s.Create(run)
	if err != nil {
		return source{}, err
	}
	sitting := sitting{app: a, c: c, folder: f, id: run.ID, observer: watch.observers}
	spec, engine, err := sitting.prepare(ctx, m, preset)
	if err != nil {
		return source{}, errors.Join(err, f.Close(), s.Remove(run.ID))
	}
	return sitting.carryOut(ctx, spec, engine)
}

// sitting is one go at a run: from its lock to its release.
type sitting struct {
	app      *app
	c        *config.Loaded
	folder   *store.Folder
	id       string
	observer calibrate.Observer
	log      *os.File
}

// prepare resolves what is to be calibrated, packs the data and keeps the spec.
func (s *sitting) prepare(ctx context.Context, m baseModel, preset string) (calibrate.Spec, *worker.Engine, error) {
	engine, err := s.engine()
	if err != nil {
		return calibrate.Spec{}, nil, err
	}
	spec, err := s.resolve(ctx, m, preset, engine)
	if err == nil {
		err = s.keep(spec)
	}
	if err != nil {
		return spec, nil, errors.Join(err, engine.Close(), s.log.Close())
	}
	return spec, engine, nil
}

func (s *sitting) resolve(ctx context.Context, m baseModel, preset string, engine *worker.Engine) (calibrate.Spec, error) {
	machine, err := engine.Info(ctx)
	if err != nil {
		return calibrate.Spec{}, err
	}
	shape, err := resolveShape(s.c.Config, m, machine)
	if err != nil {
		return calibrate.Spec{}, err
	}
	packed, err := s.app.pack(ctx, s.c.Config, m, shape, filepath.Join(s.folder.Path(), packFile))
	if err != nil {
		return calibrate.Spec{}, err
	}
	spec := spec(s.c.Config, m, shape, packed)
	spec.Preset = preset
	return spec, nil
}

// engine starts the training program with a log of its own.
func (s *sitting) engine() (*worker.Engine, error) {
	log, err := os.OpenFile(filepath.Join(s.folder.Path(), logFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the engine's log: %w", err)
	}
	engine, err := s.app.startEngine(s.c.Config, log)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	s.log = log
	return engine, nil
}

func (s *sitting) keep(spec calibrate.Spec) error {
	data, err := calibrate.EncodeSpec(spec)
	if err != nil {
		return err
	}
	return s.folder.WriteFile(calibrate.SpecFile, data)
}

// again takes up the spec of a run, with the model as it is now: that it changed is
// noticed by its fingerprint.
func (s *sitting) again(ctx context.Context, spec calibrate.Spec) (calibrate.Spec, *worker.Engine, error) {
	model := s.c.Config
	model.Model = spec.ModelDir
	m, err := s.app.openModel(ctx, model, spec.Model.RandomWeights)
	if err != nil {
		return spec, nil, err
	}
	spec.Model.Fingerprint = m.evidence.Fingerprint
	engine, err := s.engine()
	return spec, engine, err
}

// carryOut calibrates, and says how to go on where it was cut short.
func (s *sitting) carryOut(ctx context.Context, spec calibrate.Spec, engine *worker.Engine) (source, error) {
	limit := ""
	if spec.Budget > 0 {
		limit = ", up to " + spec.Budget.String()
	}
	s.app.voice().note("run %s: %s on %s, %s%s", s.id, spec.Model.Name, spec.Data.Name, spec.Device, limit)
	spec.Profile = s.app.profile
	run, err := calibrate.Run(ctx, spec, engine, s.folder, s.observer)
	s.app.publishRun(run)
	err = errors.Join(err, engine.Close(), s.log.Close(), s.folder.Close())
	if err != nil {
		how := "go on where it stopped: " + s.resumeCommand()
		if fullDisk(err) {
			return source{}, &failure{exitEnvironment, "free some space, then " + how, err}
		}
		return source{}, withHint(err, how)
	}
	return source{run: run, dir: s.folder.Path(), folder: s.folder}, nil
}

// resumeCommand is what to type, with the settings that find the same store and engine;
// where advice was asked for, also what then decides as was meant.
func (s *sitting) resumeCommand() string {
	command := "ftadvise calibrate --resume " + s.id + s.typed("store", "engine")
	if s.app.advising {
		command += " && ftadvise recommend --run " + s.id + s.typed(append(stakePaths(), "policy", "store")...)
	}
	return command
}

// typed repeats the flags that were given for some settings.
func (s *sitting) typed(paths ...string) string {
	flags := ""
	for _, key := range config.Keys() {
		if !slices.Contains(paths, key.Path) || s.c.Origins[key.Path] != "--"+key.Flag {
			continue
		}
		if value := s.c.Text(key.Path); value == "true" || value == "false" {
			flags += " --" + key.Flag + "=" + value
		} else {
			flags += " " + advisor.ShellWords("--"+key.Flag, value)
		}
	}
	return flags
}
