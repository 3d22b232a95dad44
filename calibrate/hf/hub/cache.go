package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"ftadvise/calibrate/hf"
)

// cache is one repository's folder in the cache: blobs, refs and snapshots.
type cache struct {
	base string // of all repositories
	dir  string
	root *os.Root
}

// openCache opens the folder, and makes it where files may be added.
func openCache(base string, ref Ref, offline bool) (*cache, error) {
	dir := filepath.Join(base, ref.folder())
	if _, err := os.Stat(dir); err != nil && offline {
		return nil, notCached(ref, base)
	}
	if !offline {
		if err := makeFolders(dir); err != nil {
			return nil, err
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("hub cache: %w", err)
	}
	return &cache{base: base, dir: dir, root: root}, nil
}

func makeFolders(dir string) error {
	for _, sub := range []string{"blobs", "refs", "snapshots"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return fmt.Errorf("hub cache: %w", err)
		}
	}
	return nil
}

func notCached(ref Ref, base string) error {
	return refuse(ref.String(), "go online once, or give a folder", "is not in the cache %s", base)
}

func (c *cache) snapshot(commit string) string { return filepath.Join(c.dir, "snapshots", commit) }

func inSnapshot(commit, name string) string { return path.Join("snapshots", commit, name) }

// has reports whether a file of a commit is there, and not only a link to nothing.
func (c *cache) has(commit, name string) bool {
	_, err := c.root.Stat(inSnapshot(commit, name))
	return err == nil
}

// link puts a blob into a snapshot under its name: as a relative link, or where links
// are not to be had as the file itself.
func (c *cache) link(commit, name, etag string) error {
	at := inSnapshot(commit, name)
	if err := c.root.MkdirAll(path.Dir(at), 0o755); err != nil {
		return fmt.Errorf("hub cache: %w", err)
	}
	up := strings.Repeat("../", strings.Count(at, "/"))
	err := c.root.Symlink(up+"blobs/"+etag, at)
	if err == nil || errors.Is(err, os.ErrExist) {
		return nil
	}
	if err := c.root.Rename("blobs/"+etag, at); err != nil {
		return fmt.Errorf("hub cache: %w", err)
	}
	return nil
}

// remember writes which commit a branch or tag is at.
func (c *cache) remember(ref Ref, commit string) error {
	if ref.isCommit() || c.commit(ref) == commit { // a cache that nobody may write to serves as well
		return nil
	}
	at := path.Join("refs", ref.Revision)
	if err := c.root.MkdirAll(path.Dir(at), 0o755); err != nil {
		return fmt.Errorf("hub cache: %w", err)
	}
	if err := c.root.WriteFile(at, []byte(commit), 0o644); err != nil {
		return fmt.Errorf("hub cache: %w", err)
	}
	return nil
}

// commit is the last known commit of a revision, or empty.
func (c *cache) commit(ref Ref) string {
	if ref.isCommit() {
		return ref.Revision
	}
	data, err := c.root.ReadFile(path.Join("refs", ref.Revision))
	commit := strings.TrimSpace(string(data))
	if err != nil || !commitPattern.MatchString(commit) {
		return ""
	}
	return commit
}

// lock waits for the right to download a blob.
func (c *cache) lock(ctx context.Context, etag string) (unlock func() error, err error) {
	dir := filepath.Join(c.base, ".locks", filepath.Base(c.dir))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("hub cache: %w", err)
	}
	lock := flock.New(filepath.Join(dir, etag+".lock"))
	if _, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return nil, fmt.Errorf("lock %s: %w", lock.Path(), err)
	}
	return lock.Unlock, nil
}

// walk lists the files of a folder, by names with slashes, links to nothing left out.
func (c *cache) walk(at, name string, names *[]string) {
	dir, err := c.root.Open(at)
	if err != nil {
		return
	}
	defer dir.Close()
	entries, err := dir.ReadDir(-1)
	if err != nil {
		return
	}
	for _, entry := range entries {
		inner := path.Join(name, entry.Name())
		if entry.IsDir() {
			c.walk(path.Join(at, entry.Name()), inner, names)
		} else if _, err := c.root.Stat(path.Join(at, entry.Name())); err == nil {
			*names = append(*names, inner)
		}
	}
}

// fromCache resolves without the hub: a model needs all its weights, a dataset at
// least one file.
func (c *cache) fromCache(ref Ref) (Snapshot, error) {
	commit := c.commit(ref)
	var names []string
	if commit != "" {
		c.walk(inSnapshot(commit, ""), "", &names)
	}
	if len(names) == 0 && ref.Kind == Dataset && ref.Revision == defaultRevision {
		ref.Revision = parquetRevision
		return c.fromCache(ref)
	}
	if len(names) == 0 {
		return Snapshot{}, notCached(ref, c.base)
	}
	files, err := c.chosen(ref, commit, names)
	if err != nil {
		return Snapshot{}, err
	}
	snapshot := Snapshot{Dir: c.snapshot(commit), Commit: commit, Files: files}
	if ref.Kind == Dataset {
		snapshot.Held = chooseHeld(files, names)
	}
	return snapshot, nil
}

// chosen picks among the files of a snapshot and follows a model's index.
func (c *cache) chosen(ref Ref, commit string, names []string) ([]string, error) {
	if ref.Kind == Dataset {
		return chooseData(ref, names)
	}
	files, err := chooseModel(ref, names)
	if err != nil || files[len(files)-1] != hf.IndexFile {
		return files, err
	}
	shards, err := c.shards(commit)
	for _, shard := range shards {
		if err == nil && !c.has(commit, shard) {
			err = refuse(ref.String(), "go online to complete it", "lacks %s in the cache", shard)
		}
	}
	return append(files, shards...), err
}

// shards reads a downloaded index.
func (c *cache) shards(commit string) ([]string, error) {
	data, err := c.root.ReadFile(inSnapshot(commit, hf.IndexFile))
	if err != nil {
		return nil, fmt.Errorf("hub cache: %w", err)
	}
	return hf.Shards(data)
}
