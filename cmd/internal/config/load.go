package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// ProjectFile is the settings file that Load looks for in the working directory.
const ProjectFile = "ftadvise.yaml"

// FromDefault is the origin of a value that nobody gave.
const FromDefault = "default"

// Source is where settings may come from.
type Source struct {
	Flags      *pflag.FlagSet // made by AddFlags
	Environ    []string       // KEY=value, as os.Environ gives it
	Dir        string         // the working directory
	File       string         // --config; "" looks for the project's and the user's file
	StakesFile string         // --stakes: the keys of the stakes section alone
}

// Loaded is a Config with the origin of each value.
type Loaded struct {
	Config
	// Origins maps a path to "default", "FTADVISE_X", "--flag" or "file:line".
	Origins map[string]string
	// Files are the settings files that were read, the strongest last.
	Files []string
	// Unknown are FTADVISE_ variables that name no setting: likely mistyped.
	Unknown []string

	typed []string // those of Files that the command line names
}

// Set reports whether somebody gave this value, as against the default.
func (l *Loaded) Set(path string) bool { return l.Origins[path] != FromDefault }

// Load folds the layers. Its errors are *calibrate.InputError with file and line,
// variable or flag.
func Load(src Source) (*Loaded, error) {
	out := &Loaded{Config: Default(), Origins: map[string]string{}}
	known := map[string]field{}
	for _, f := range fields(&out.Config) {
		known[f.path] = f
	}
	l := loader{src: src, known: known, out: out, v: viper.New()}
	if err := l.fold(); err != nil {
		return nil, err
	}
	err := l.v.UnmarshalExact(&out.Config, func(c *mapstructure.DecoderConfig) { c.TagName = "yaml" })
	if err != nil {
		return nil, fmt.Errorf("decode settings: %w", err)
	}
	return out, nil
}

type loader struct {
	src   Source
	known map[string]field
	out   *Loaded
	v     *viper.Viper
}

// fold lays the layers over one another, the weakest first.
func (l loader) fold() error {
	for path, f := range l.known {
		l.v.SetDefault(path, f.value.Interface())
		l.out.Origins[path] = FromDefault
	}
	files, err := l.files()
	if err != nil {
		return err
	}
	for _, name := range files {
		if err := l.file(name, ""); err != nil {
			return err
		}
	}
	if l.src.StakesFile != "" {
		if err := l.file(l.src.StakesFile, "stakes."); err != nil {
			return err
		}
	}
	variables, err := l.environment()
	if err != nil {
		return err
	}
	if err := l.merge(variables); err != nil {
		return err
	}
	return l.flags()
}

// files lists the settings files that exist; one that was asked for must.
func (l loader) files() ([]string, error) {
	if l.src.File != "" {
		return []string{l.src.File}, nil
	}
	if named := l.variable("FTADVISE_CONFIG"); named != "" {
		return []string{named}, nil
	}
	var out []string
	for _, candidate := range []string{l.userFile(), filepath.Join(l.src.Dir, ProjectFile)} {
		_, err := os.Stat(candidate)
		if err == nil {
			out = append(out, candidate)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("look for settings: %w", err)
		}
	}
	return out, nil
}

// userFile follows the XDG base directory specification.
func (l loader) userFile() string {
	base := l.variable("XDG_CONFIG_HOME")
	if !filepath.IsAbs(base) {
		base = filepath.Join(l.variable("HOME"), ".config")
	}
	return filepath.Join(base, "ftadvise", "config.yaml")
}

func (l loader) file(name, prefix string) error {
	shown := name
	if rel, err := filepath.Rel(l.src.Dir, name); err == nil && filepath.IsLocal(rel) {
		shown = rel
	}
	settings, err := readFile(name, shown, prefix, l.known)
	if err != nil {
		return err
	}
	l.out.Files = append(l.out.Files, shown)
	if name == l.src.File || name == l.src.StakesFile {
		l.out.typed = append(l.out.typed, shown)
	}
	return l.merge(settings)
}

// variable returns the last value of an environment variable.
func (l loader) variable(name string) string {
	value := ""
	for _, pair := range l.src.Environ {
		if v, ok := strings.CutPrefix(pair, name+"="); ok {
			value = v
		}
	}
	return value
}

// Variable is the environment variable of a setting.
func Variable(path string) string {
	return "FTADVISE_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// environment reads the FTADVISE_ variables; an empty one counts as unset.
func (l loader) environment() (layer, error) {
	paths := map[string]string{}
	for path := range l.known {
		paths[Variable(path)] = path
	}
	out := layer{}
	for _, pair := range l.src.Environ {
		name, value, _ := strings.Cut(pair, "=")
		path, ok := paths[name]
		if !ok && strings.HasPrefix(name, "FTADVISE_") && !slices.Contains(otherVariables(), name) {
			l.out.Unknown = append(l.out.Unknown, name)
		}
		if !ok || value == "" {
			continue
		}
		if err := l.known[path].check(value); err != nil {
			return nil, refuse(name, err.Error(), "")
		}
		out[path] = setting{value, name}
	}
	return out, nil
}

// otherVariables are read elsewhere: by the build and its set-up, by the engine, by
// tests, or before any setting.
func otherVariables() []string {
	return []string{
		"FTADVISE_CONFIG", "FTADVISE_LIBTORCH", "FTADVISE_TORCH", "FTADVISE_TORCH_HOME", "FTADVISE_TORCH_RELEASE", "FTADVISE_CXX",
		"FTADVISE_CUDA", "FTADVISE_PRIVATE", "FTADVISE_PYTHON", "FTADVISE_TEST_DEVICE", "FTADVISE_NO_KERNELS",
	}
}

// merge hands one layer to viper, over what is there, and notes the origins.
func (l loader) merge(settings layer) error {
	tree := map[string]any{}
	for path, s := range settings {
		nest(tree, path, s.value)
		l.out.Origins[path] = s.origin
	}
	if err := l.v.MergeConfigMap(tree); err != nil {
		return fmt.Errorf("merge settings: %w", err)
	}
	return nil
}

// nest puts a dotted path's value into a tree of maps.
func nest(tree map[string]any, path string, value any) {
	head, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		tree[head] = value
		return
	}
	branch, ok := tree[head].(map[string]any)
	if !ok {
		branch = map[string]any{}
		tree[head] = branch
	}
	nest(branch, rest, value)
}

// flags hands viper the flags that were given; the others count as unset.
func (l loader) flags() error {
	if l.src.Flags == nil {
		return nil
	}
	for _, key := range Keys() {
		flag := l.src.Flags.Lookup(key.Flag)
		if flag == nil || !flag.Changed {
			continue
		}
		if err := l.v.BindPFlag(key.Path, flag); err != nil {
			return fmt.Errorf("bind flags: %w", err)
		}
		l.out.Origins[key.Path] = "--" + key.Flag
	}
	return nil
}

// StakeOrigins maps the key of each stake that somebody gave to where it was given.
func (l *Loaded) StakeOrigins() map[string]string {
	out := map[string]string{}
	for path, origin := range l.Origins {
		if key, ok := strings.CutPrefix(path, "stakes."); ok && origin != FromDefault {
			out[key] = origin
		}
	}
	return out
}
