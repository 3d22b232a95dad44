package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"

	"ftadvise/calibrate/evidence"
)

// The files of a run's folder that the store writes itself.
const (
	runFile    = "run.json"
	headerFile = "header.json"
	eventsFile = "events.jsonl"
	lockFile   = "lock"
)

// lockWait outlasts a listing, which holds the lock of a run for a moment to see
// whether anybody writes it.
const lockWait = 200 * time.Millisecond

// Folder is one run's folder. Reading needs no lock; whoever calibrates holds it.
type Folder struct {
	path   string
	lock   *flock.Flock
	events *os.File
}

// Path is the folder's path.
func (f *Folder) Path() string { return f.path }

// Lock takes the run for writing, or returns ErrBusy. It clears away what a writer
// that was killed left half-written.
func (f *Folder) Lock() error {
	lock := flock.New(filepath.Join(f.path, lockFile))
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	ok, err := lock.TryLockContext(ctx, lockWait/20)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return cannot("lock", f.path, err)
	}
	if !ok {
		return &Error{Where: f.path, What: ErrBusy.Error(), Advice: "wait until it is done", Err: ErrBusy}
	}
	f.lock = lock
	strays, err := filepath.Glob(filepath.Join(f.path, ".*.json*"))
	if err != nil {
		return cannot("search", f.path, err)
	}
	for _, stray := range strays {
		if err := os.Remove(stray); err != nil {
			return cannot("remove", stray, err)
		}
	}
	return nil
}

// Close ends the writing and frees the lock. It may be called twice.
func (f *Folder) Close() error {
	var errs []error
	if f.events != nil {
		errs = append(errs, f.events.Close())
		f.events = nil
	}
	if f.lock != nil {
		errs = append(errs, f.lock.Unlock())
		f.lock = nil
	}
	return errors.Join(errs...)
}

// Load reads the run. A file that is not whole gives ErrDamaged.
func (f *Folder) Load() (*evidence.Run, error) { return f.load(runFile) }

// Header reads the run without its curves, by the header where that is not older
// than the run itself.
func (f *Folder) Header() (*evidence.Run, error) {
	header, err := os.Stat(filepath.Join(f.path, headerFile))
	whole, wholeErr := os.Stat(filepath.Join(f.path, runFile))
	if err == nil && wholeErr == nil && !header.ModTime().Before(whole.ModTime()) {
		if run, err := f.load(headerFile); err == nil {
			return run, nil
		}
	}
	run, err := f.Load()
	if err != nil {
		return nil, err
	}
	return withoutCurves(run), nil
}

func (f *Folder) load(name string) (*evidence.Run, error) {
	data, err := f.ReadFile(name)
	if err != nil {
		return nil, err
	}
	run, err := evidence.Decode(data)
	if err != nil {
		return nil, f.unreadable(name, err)
	}
	if run.State == evidence.Running && !f.isWritten() {
		run.State = evidence.Stopped
	}
	return run, nil
}

func (f *Folder) unreadable(name string, err error) error {
	e := &Error{Where: filepath.Join(f.path, name), What: err.Error(), Err: err}
	var format *evidence.FormatError
	if errors.As(err, &format) {
		e.Advice = format.Advice
		if !format.Newer {
			e.Err = errors.Join(ErrDamaged, err)
		}
	}
	return e
}

// isWritten reports whether this process or another holds the lock.
func (f *Folder) isWritten() bool {
	if f.lock != nil {
		return true
	}
	// Read-only and never created: a listing must not write.
	probe := flock.New(filepath.Join(f.path, lockFile), flock.SetFlag(os.O_RDONLY))
	ok, err := probe.TryRLock()
	if err != nil {
		return false
	}
	if ok {
		_ = probe.Unlock() // closing the file frees it in any case
	}
	return !ok
}

// Save replaces the run as a whole: after a crash there is the old one or the new.
func (f *Folder) Save(run *evidence.Run) error {
	if err := f.save(runFile, run); err != nil {
		return err
	}
	return f.save(headerFile, withoutCurves(run))
}

func (f *Folder) save(name string, run *evidence.Run) error {
	data, err := evidence.Encode(run)
	if err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	return f.WriteFile(name, data)
}

// AppendEvent adds one line, with its newline, to the run's events.
func (f *Folder) AppendEvent(line []byte) error {
	path := filepath.Join(f.path, eventsFile)
	if f.events == nil {
		events, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return cannot("write", path, err)
		}
		f.events = events
	}
	if _, err := f.events.Write(line); err != nil {
		return cannot("write", path, err)
	}
	return nil
}

// WriteFile replaces a file of the run's folder as a whole. The name must not leave
// the folder.
func (f *Folder) WriteFile(name string, data []byte) error {
	path, err := f.local(name)
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(path, data, 0o644); err != nil {
		return cannot("write", path, err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return cannot("sync", path, err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil { // the rename itself must outlive a power loss
		return cannot("sync", path, err)
	}
	return nil
}

// ReadFile reads a file of the run's folder.
func (f *Folder) ReadFile(name string) ([]byte, error) {
	path, err := f.local(name)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &Error{Where: path, What: "missing", Advice: "the run is not whole; remove it and calibrate again",
			Err: errors.Join(ErrDamaged, err)}
	}
	if err != nil {
		return nil, cannot("read", path, err)
	}
	return data, nil
}

func (f *Folder) local(name string) (string, error) {
	if !filepath.IsLocal(name) {
		return "", &Error{Where: name, What: "not inside the run's folder"}
	}
	return filepath.Join(f.path, name), nil
}

// withoutCurves copies the run's facts and leaves its long lists behind.
func withoutCurves(run *evidence.Run) *evidence.Run {
	out := *run
	out.Data.Samples = nil
	out.Domain.Layers = nil
	out.Trials = make([]evidence.TrialResult, len(run.Trials))
	for i, t := range run.Trials {
		o := &t.Outcome
		o.TrainLoss, o.EvalLoss, o.GeneralLoss, o.EvalAccuracy, o.GradNorm = nil, nil, nil, nil, nil
		o.StepTimes = nil
		out.Trials[i] = t
	}
	out.Forecasts = make([]evidence.Forecast, len(run.Forecasts))
	for i, forecast := range run.Forecasts {
		forecast.Curve = nil
		out.Forecasts[i] = forecast
	}
	return &out
}
