package suite

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// file is a curve file as it is read back.
type file struct {
	About About            `json:"about"`
	Runs  map[string]Curve `json:"runs"` // of the first seed
	// others are the runs of further seeds, each method's at its best rate.
	others map[int64]map[string]Curve
}

// readFiles reads the curve files of a folder.
func readFiles(dir string) ([]file, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	var out []file
	for _, path := range paths {
		text, err := os.ReadFile(path)
		var f file
		if err == nil {
			err = json.Unmarshal(text, &f)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		f.part()
		out = append(out, f)
	}
	return out, nil
}

// part puts the runs of further seeds aside.
func (f *file) part() {
	f.others = map[int64]map[string]Curve{}
	for name, c := range f.Runs {
		if c.Seed <= firstSeed {
			continue
		}
		if f.others[c.Seed] == nil {
			f.others[c.Seed] = map[string]Curve{}
		}
		f.others[c.Seed][name] = c
		delete(f.Runs, name)
	}
}

// seeds is the file once for each seed, the first one first.
func (f file) seeds() []file {
	out := []file{f}
	for _, seed := range slices.Sorted(maps.Keys(f.others)) {
		out = append(out, file{About: f.About, Runs: f.others[seed]})
	}
	return out
}
