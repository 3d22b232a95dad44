package config

import (
	"slices"
	"strings"
)

// Keep lays a setting from earlier settings under those that hold: it is taken where it
// came from a stronger layer then than the one that gives it now, as though what was
// said then had been said again. It reports whether it was taken.
func (l *Loaded) Keep(path string, from *Config, origin string) bool {
	if path == "" || l.strength(origin) <= l.strength(l.Origins[path]) {
		return false
	}
	mine, theirs := fields(&l.Config), fields(from)
	at := slices.IndexFunc(mine, func(f field) bool { return f.path == path })
	if at < 0 {
		return false
	}
	mine[at].value.Set(theirs[at].value)
	l.Origins[path] = origin
	return true
}

// strength orders the layers: default, file, variable, flag. What came from elsewhere,
// such as a stakes file named on an earlier command line, counts as a flag; a file named
// on this one gives way to nothing.
func (l *Loaded) strength(origin string) int {
	file := func(names []string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(origin, name+":") })
	}
	switch {
	case origin == FromDefault:
		return 0
	case file(l.typed):
		return 4
	case file(l.Files):
		return 1
	case strings.HasPrefix(origin, "FTADVISE_"):
		return 2
	}
	return 3
}
