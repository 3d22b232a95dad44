package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/store"
	"ftadvise/cmd/internal/config"
)

// resume goes on with a run where it was left. One that is done stays as it is, unless
// a budget is given: then the same is calibrated anew with that much more time.
func (a *app) resume(ctx context.Context, c *config.Loaded, s *store.Store, ref string) (source, error) {
	f, err := folder(s, ref)
	if err != nil {
		return source{}, err
	}
	if err := f.Lock(); err != nil {
		return source{}, err
	}
	run, spec, err := resumable(f)
	if err != nil {
		return source{}, errors.Join(err, f.Close())
	}
	if run.State == evidence.Done {
		if err := f.Close(); err != nil || !c.Set("calibration.budget") {
			return source{run, f.Path(), f}, err
		}
		longer := c.Calibration.Budget + time.Duration(run.Setup.BudgetSeconds*float64(time.Second))
		return a.calibrateLonger(ctx, c, s, source{run, f.Path(), f}, spec, longer)
	}
	if c.Set("calibration.budget") {
		spec.Budget = c.Calibration.Budget
		run.Setup.BudgetSeconds = spec.Budget.Seconds()
		if err := f.Save(run); err != nil {
			return source{}, errors.Join(err, f.Close())
		}
	}
	return a.sit(ctx, c, f, run.ID, spec)
}

// resumable reads what a calibration left behind.
func resumable(f *store.Folder) (*evidence.Run, calibrate.Spec, error) {
	run, err := f.Load()
	if err != nil {
		return nil, calibrate.Spec{}, err
	}
	data, err := f.ReadFile(calibrate.SpecFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, calibrate.Spec{}, fail(exitInput, "ftadvise calibrate makes a run that can be", "run %s was imported and cannot be resumed", run.ID)
	}
	if err != nil {
		return nil, calibrate.Spec{}, err
	}
	spec, err := calibrate.DecodeSpec(data)
	return run, spec, err
}

// sit goes on with a locked run.
func (a *app) sit(ctx context.Context, c *config.Loaded, f *store.Folder, id string, spec calibrate.Spec) (source, error) {
	watch, err := a.watch(ctx, c)
	if err != nil {
		return source{}, errors.Join(err, f.Close())
	}
	defer watch.stop()
	sitting := sitting{app: a, c: c, folder: f, id: id, observer: watch.observers}
	spec, engine, err := sitting.again(ctx, spec)
	if err != nil {
		return source{}, errors.Join(err, f.Close())
	}
	return sitting.carryOut(ctx, spec, engine)
}

// calibrateLonger calibrates what a finished run did, on the same packed data, with
// another budget. Its checkpoints are gone, so it starts over.
func (a *app) calibrateLonger(ctx context.Context, c *config.Loaded, s *store.Store, done source, spec calibrate.Spec, budget time.Duration) (source, error) {
	run := &evidence.Run{CreatedAt: a.now().UTC(), Version: version(), State: evidence.Running,
		EarlierSeconds: done.run.EarlierSeconds + done.run.Seconds}
	f, err := s.Create(run)
	if err != nil {
		return source{}, err
	}
	spec.Budget = budget
	spec.PackPath = packFile
	err = os.Link(filepath.Join(done.dir, packFile), filepath.Join(f.Path(), packFile))
	if err == nil {
		sitting := sitting{folder: f}
		err = sitting.keep(spec)
	}
	if err != nil {
		return source{}, errors.Join(fmt.Errorf("take over the data of run %s: %w", done.run.ID, err), f.Close(), s.Remove(run.ID))
	}
	a.voice().note("run %s is done; calibrating the same anew with %s", done.run.ID, spec.Budget.Round(time.Second))
	return a.sit(ctx, c, f, run.ID, spec)
}
