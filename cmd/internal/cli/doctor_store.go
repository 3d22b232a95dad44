package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"ftadvise/cmd/internal/config"
)

// roomForRuns is what a few calibrations of a small model leave behind; a store with
// less free is worth a word.
const roomForRuns = 1 << 30

// examineStore checks that runs can be written, and how much room there is.
func (a *app) examineStore(c config.Config) finding {
	s, err := a.openStore(c)
	if err != nil {
		return missing("store", err)
	}
	dir, err := nearestFolder(s.Path())
	if err != nil {
		return missing("store", err)
	}
	if err := tryWriting(dir); err != nil {
		f := missing("store", err)
		f.Advice = "choose a folder that you may write: --store DIR"
		return f
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return missing("store", err)
	}
	free := int64(disk.Bavail) * int64(disk.Bsize)
	f := finding{Name: "store", State: stateOK, Found: fmt.Sprintf("%s, %s free", s.Path(), gibibytes(free))}
	if free < roomForRuns {
		f.State, f.Advice = stateMissing, "free at least 1 GiB, or choose another disk: --store DIR"
	}
	return f
}

// nearestFolder is dir, or the first of its parents that exists: the store is made
// only when the first run is.
func nearestFolder(dir string) (string, error) {
	for {
		_, err := os.Stat(dir)
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return "", err
		}
		dir = filepath.Dir(dir)
	}
}

func tryWriting(dir string) error {
	f, err := os.CreateTemp(dir, ".ftadvise-doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
