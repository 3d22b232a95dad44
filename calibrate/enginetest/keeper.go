package enginetest

import (
	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
)

// Keeper keeps one run in memory as JSON, as a store does on a disk, and lets its events
// go.
type Keeper struct {
	dir  string
	data []byte
}

var _ calibrate.Keeper = (*Keeper)(nil)

// NewKeeper returns a keeper of the run that leaves checkpoints in dir.
func NewKeeper(dir string, run *evidence.Run) (*Keeper, error) {
	k := &Keeper{dir: dir}
	return k, k.Save(run)
}

// Load implements calibrate.Keeper.
func (k *Keeper) Load() (*evidence.Run, error) { return evidence.Decode(k.data) }

// Save implements calibrate.Keeper.
func (k *Keeper) Save(run *evidence.Run) (err error) {
	k.data, err = evidence.Encode(run)
	return err
}

// AppendEvent implements calibrate.Keeper.
func (k *Keeper) AppendEvent([]byte) error { return nil }

// Path implements calibrate.Keeper.
func (k *Keeper) Path() string { return k.dir }
