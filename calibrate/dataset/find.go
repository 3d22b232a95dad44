package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// find lists the files that a path means, in the order of their names.
func find(o Options) ([]source, error) {
	if o.Path == "-" {
		if o.Stdin == nil {
			return nil, refuse("-", "standard input is closed", "give a file, a folder or a glob")
		}
		return []source{{path: "-", stdin: o.Stdin}}, nil
	}
	if o.Only != nil {
		return named(o)
	}
	info, err := os.Stat(o.Path)
	switch {
	case err == nil && info.IsDir():
		return inFolder(o.Path)
	case err == nil:
		return regular(o.Path, info)
	case errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(o.Path, "*?["):
		return inGlob(o.Path)
	case errors.Is(err, fs.ErrNotExist):
		return nil, refuse(o.Path, "no such file or folder", "check the path given to --data")
	}
	return nil, fmt.Errorf("dataset: %w", err)
}

// named takes the files that are named, in their order.
func named(o Options) ([]source, error) {
	var out []source
	for _, name := range o.Only {
		path := filepath.Join(o.Path, filepath.FromSlash(name))
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("dataset: %w", err)
		}
		found, err := regular(path, info)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

func regular(path string, info os.FileInfo) ([]source, error) {
	if !info.Mode().IsRegular() {
		return nil, refuse(path, "neither a file nor a folder", "pipe it in with --data -")
	}
	return []source{newSource(path, info)}, nil
}

// inFolder takes the files of a folder and those below it, but for hidden ones and
// what goes along with a dataset without being data.
func inFolder(dir string) ([]source, error) {
	var out []source
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != dir && isAside(entry.Name()) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() {
			out = append(out, newSource(path, info))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	if len(out) == 0 {
		return nil, refuse(dir, "the folder has no files", "put the data there, or name the file")
	}
	return out, nil
}

func isAside(name string) bool {
	if strings.HasPrefix(name, ".") {
		return true
	}
	stem, _, _ := strings.Cut(strings.ToLower(name), ".")
	switch stem {
	case "readme", "license", "dataset_info", "dataset_infos", "state":
		return true
	}
	return false
}

func inGlob(pattern string) ([]source, error) {
	names, err := filepath.Glob(pattern)
	if err != nil {
		return nil, refuse(pattern, "not a valid pattern: "+err.Error(), "quote the pattern, as in 'data/*.jsonl'")
	}
	sort.Strings(names)
	var out []source
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("dataset: %w", err)
		}
		if info.Mode().IsRegular() {
			out = append(out, newSource(name, info))
		}
	}
	if len(out) == 0 {
		return nil, refuse(pattern, "no file matches", "quote the pattern, as in 'data/*.jsonl'")
	}
	return out, nil
}
