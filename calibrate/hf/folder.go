package hf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"ftadvise/calibrate/safetensors"
)

// folder is a model's folder from which no name leads out, be it by .. or by a
// symbolic link. In the hub's cache the files of a snapshot link to ../../blobs, so
// there the folder of the whole repository is the limit.
type folder struct {
	dir    string
	root   *os.Root
	prefix string // of dir within root, slashes at the end
}

func openFolder(dir string) (*folder, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, refuse(dir, adviceFolder, "no such model folder")
	}
	if !info.IsDir() {
		return nil, refuse(dir, adviceFolder, "is a file, not a model folder")
	}
	limit, prefix := dir, ""
	if linked, err := filepath.EvalSymlinks(dir); err == nil {
		if snapshots := filepath.Dir(linked); filepath.Base(snapshots) == "snapshots" {
			limit, prefix = filepath.Dir(snapshots), "snapshots/"+filepath.Base(linked)+"/"
		}
	}
	root, err := os.OpenRoot(limit)
	if err != nil {
		return nil, refuse(dir, adviceFolder, "cannot be opened: %v", err)
	}
	return &folder{dir: dir, root: root, prefix: prefix}, nil
}

// openIn opens dir and lets what is made of it read there; where that fails it is closed.
func openIn[T io.Closer](dir string, in func(*folder) T, read func(T) error) (T, error) {
	var none T
	f, err := openFolder(dir)
	if err != nil {
		return none, err
	}
	x := in(f)
	if err := read(x); err != nil {
		return none, errors.Join(err, x.Close())
	}
	return x, nil
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, name) }

// has reports whether there is such a file, whatever its kind.
func (f *folder) has(name string) bool {
	_, err := f.root.Lstat(path.Join(f.prefix, name))
	return err == nil
}

// read returns a whole text file of at most limit bytes.
func (f *folder) read(name string, limit int64) ([]byte, error) {
	inside := path.Join(f.prefix, name)
	info, err := f.root.Stat(inside)
	if errors.Is(err, os.ErrNotExist) {
		return nil, refuse(f.path(name), adviceFolder, "no such file")
	}
	if err != nil {
		return nil, refuse(f.path(name), adviceFolder, "cannot be read: %v", err)
	}
	if !info.Mode().IsRegular() {
		return nil, refuse(f.path(name), adviceFolder, "is no regular file")
	}
	if info.Size() > limit {
		return nil, refuse(f.path(name), adviceFolder, "has %d bytes, more than such a file can need (%d)", info.Size(), limit)
	}
	file, err := f.root.Open(inside)
	if err != nil {
		return nil, refuse(f.path(name), adviceFolder, "cannot be read: %v", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.path(name), err)
	}
	return data, nil
}

// open opens a file of weights.
func (f *folder) open(name string) (*safetensors.File, error) {
	file, err := safetensors.Open(f.root, path.Join(f.prefix, name))
	var refused *InputError
	if errors.As(err, &refused) {
		refused.Where = f.path(name)
	}
	return file, err
}

// list returns the names of the folder's files.
func (f *folder) list() []string {
	dir, err := f.root.Open(path.Join(f.prefix, "."))
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil
	}
	return names
}

// localWeights refuses a name of a weight file that leads out of the folder.
func localWeights(where, name string) error {
	if !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, "\\\x00") {
		return refuse(where, "do not use this model: such a name is an attack or damage", "names the file %q, which lies outside the model's folder", name)
	}
	if !strings.HasSuffix(name, ".safetensors") {
		return refuse(where, safetensors.AdviceConvert, "names the file %q, which is no safetensors file", name)
	}
	return nil
}
