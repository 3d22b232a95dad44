package store

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"time"

	"github.com/oklog/ulid/v2"

	"ftadvise/calibrate/evidence"
)

// Store is a folder of runs.
type Store struct{ dir string }

// DefaultDir is where runs live when nobody says: $XDG_DATA_HOME/ftadvise, else
// ~/.local/share/ftadvise. It is "" when env knows neither that nor HOME.
func DefaultDir(env func(string) string) string {
	if data := env("XDG_DATA_HOME"); filepath.IsAbs(data) {
		return filepath.Join(data, "ftadvise")
	}
	if home := env("HOME"); home != "" {
		return filepath.Join(home, ".local", "share", "ftadvise")
	}
	return ""
}

// Open returns the store in dir, which Create makes when it is not there. A dir that
// is no folder is an *Error.
func Open(dir string) (*Store, error) {
	if dir == "" {
		return nil, &Error{Where: "store", What: "no folder given", Advice: "set --store, XDG_DATA_HOME or HOME"}
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, cannot("open", dir, err)
	case !info.IsDir():
		return nil, &Error{Where: dir, What: "is not a folder", Advice: "choose another with --store"}
	}
	return &Store{dir: dir}, nil
}

// Path is the store's folder.
func (s *Store) Path() string { return s.dir }

func (s *Store) runs() string { return filepath.Join(s.dir, "runs") }

// Create makes the run's folder, locked, and saves the run in it. It gives the run a
// fresh ID where that is empty, and CreatedAt where that is zero. What fails leaves no
// folder behind.
func (s *Store) Create(run *evidence.Run) (*Folder, error) {
	if run.CreatedAt.IsZero() {
		run.CreatedAt = time.Now().UTC()
	}
	if run.ID == "" {
		id, err := s.nextID(run.CreatedAt)
		if err != nil {
			return nil, err
		}
		run.ID = id
	}
	if !validID.MatchString(run.ID) {
		return nil, &Error{Where: run.ID, What: "not a run's ID"}
	}
	path := filepath.Join(s.runs(), run.ID)
	if err := os.MkdirAll(s.runs(), 0o755); err != nil {
		return nil, cannot("make", s.runs(), err)
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		return nil, cannot("make", path, err)
	}
	folder := &Folder{path: path}
	err := folder.Lock()
	if err == nil {
		err = folder.Save(run)
	}
	if err != nil { // what is not whole would be listed as damaged
		return nil, errors.Join(err, folder.Close(), os.RemoveAll(path))
	}
	return folder, nil
}

// nextID is a ULID of the given time, or of just after the newest run's where the
// clock has gone back.
func (s *Store) nextID(at time.Time) (string, error) {
	stamp := ulid.Timestamp(at)
	names, err := s.names()
	if err != nil {
		return "", err
	}
	for _, name := range names {
		if id, err := ulid.ParseStrict(name); err == nil {
			stamp = max(stamp, id.Time()+1)
			break // the newest comes first
		}
	}
	id, err := ulid.New(stamp, rand.Reader)
	if err != nil {
		return "", &Error{Where: s.dir, What: "cannot make an ID: " + err.Error(), Err: err}
	}
	return id.String(), nil
}

// names lists the runs' folders, newest first.
func (s *Store) names() ([]string, error) {
	entries, err := os.ReadDir(s.runs())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, cannot("list", s.runs(), err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && validID.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	slices.Reverse(names)
	return names, nil
}

// validID keeps an ID from leaving the store: no separators, no leading dot.
var validID = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$`)

// Folder returns the run's folder, unlocked. An ID that is no run's gives ErrNotFound.
func (s *Store) Folder(id string) (*Folder, error) {
	path := filepath.Join(s.runs(), id)
	if !validID.MatchString(id) {
		return nil, notFound(id)
	}
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return nil, notFound(id)
	}
	return &Folder{path: path}, nil
}

func notFound(id string) error {
	return &Error{Where: id, What: ErrNotFound.Error(), Advice: "ftadvise runs list shows what there is", Err: ErrNotFound}
}

// Damage names a folder that List could not read.
type Damage struct {
	ID  string
	Err error
}

// List returns the runs' headers, newest first: everything but the trials' curves
// and the forecasts' paths. A folder that cannot be read is named and passed over.
func (s *Store) List() ([]*evidence.Run, []Damage, error) {
	names, err := s.names()
	if err != nil {
		return nil, nil, err
	}
	var runs []*evidence.Run
	var damaged []Damage
	for _, id := range names {
		run, err := (&Folder{path: filepath.Join(s.runs(), id)}).Header()
		if err != nil {
			damaged = append(damaged, Damage{id, err})
			continue
		}
		runs = append(runs, run)
	}
	return runs, damaged, nil
}

// Remove deletes a run with all its files, unless a calibration is writing it.
func (s *Store) Remove(id string) error {
	folder, err := s.Folder(id)
	if err != nil {
		return err
	}
	if err := folder.Lock(); err != nil {
		return err
	}
	if err := os.RemoveAll(folder.path); err != nil {
		return errors.Join(cannot("remove", folder.path, err), folder.Close())
	}
	return folder.Close()
}

func isReadOnly(err error) bool { return errors.Is(err, syscall.EROFS) }
