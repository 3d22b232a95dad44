package history

import (
	"maps"
	"slices"
)

// ordered lists rows by their run's name, so that reading is the same every time.
func ordered(runs map[string]row) []row {
	var out []row
	for _, name := range slices.Sorted(maps.Keys(runs)) {
		out = append(out, runs[name])
	}
	return out
}
