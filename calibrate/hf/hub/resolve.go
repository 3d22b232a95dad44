package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ftadvise/calibrate/hf"
)

// Snapshot is a repository at a commit, on disk.
type Snapshot struct {
	Dir    string   // the folder of the commit, to be given to hf.Open
	Commit string   // 40 hexadecimal digits
	Files  []string // that were chosen, by names within Dir
	Held   []string // of a dataset, those that it holds out itself; they may be none
}

// Progress tells how a download goes. Note is set alone, when there is something that
// a person should know.
type Progress struct {
	File        string
	Done, Total int64 // bytes of all files of this call
	Note        string
}

// parquetRevision is where the hub keeps datasets of other formats as Parquet.
const parquetRevision = "refs/convert/parquet"

// Resolve finds the repository that ref names and downloads what is missing. env reads
// the environment (os.Getenv), progress may be nil. Offline, or when the hub does not
// answer, the cache must do. Errors are an *InputError, an *UnreachableError, or of
// the disk.
func Resolve(ctx context.Context, ref string, kind Kind, env func(string) string, progress func(Progress)) (Snapshot, error) {
	parsed, err := ParseRef(ref, kind)
	if err != nil {
		return Snapshot{}, err
	}
	p, err := readPlaces(env)
	if err != nil {
		return Snapshot{}, err
	}
	if progress == nil {
		progress = func(Progress) {}
	}
	return resolve(ctx, parsed, p, newClient(p), progress)
}

func resolve(ctx context.Context, ref Ref, p places, client *client, progress func(Progress)) (Snapshot, error) {
	cache, err := openCache(p.cache, ref, p.offline)
	if err != nil {
		return Snapshot{}, err
	}
	defer cache.root.Close()
	if p.offline {
		return cache.fromCache(ref)
	}
	s := &session{client: client, cache: cache, ref: ref, progress: progress}
	return s.online(ctx)
}

// session is one Resolve that speaks with the hub.
type session struct {
	client      *client
	cache       *cache
	ref         Ref
	progress    func(Progress)
	done, total int64
}

func (s *session) online(ctx context.Context) (Snapshot, error) {
	if s.ref.isCommit() && s.ref.Kind == Model {
		if kept, err := s.cache.fromCache(s.ref); err == nil && slices.Contains(kept.Files, "tokenizer.json") {
			return kept, nil // a commit never changes
		}
	}
	found, err := s.client.list(ctx, s.ref)
	var unreachable *UnreachableError
	if errors.As(err, &unreachable) {
		return s.fallBack(err)
	}
	if err != nil {
		return Snapshot{}, err
	}
	names := found.names()
	for _, name := range names {
		if err := localName(s.ref, name); err != nil {
			return Snapshot{}, err
		}
	}
	if s.ref.Kind == Dataset {
		return s.data(ctx, found.Commit, names)
	}
	return s.model(ctx, found.Commit, names)
}

// fallBack makes do with the cache when the hub cannot be asked.
func (s *session) fallBack(unreachable error) (Snapshot, error) {
	kept, err := s.cache.fromCache(s.ref)
	if err != nil {
		return Snapshot{}, unreachable
	}
	s.progress(Progress{Note: fmt.Sprintf("the hub does not answer (%v); using commit %s from the cache", unreachable, kept.Commit)})
	return kept, nil
}

func (s *session) model(ctx context.Context, commit string, names []string) (Snapshot, error) {
	files, err := chooseModel(s.ref, names)
	if err != nil {
		return Snapshot{}, err
	}
	if err := s.fetchAll(ctx, commit, files); err != nil {
		return Snapshot{}, err
	}
	if files[len(files)-1] == hf.IndexFile {
		shards, err := s.cache.shards(commit)
		if err != nil {
			return Snapshot{}, err
		}
		if err := s.fetchAll(ctx, commit, shards); err != nil {
			return Snapshot{}, err
		}
		files = append(files, shards...)
	}
	return s.finish(commit, files)
}

func (s *session) data(ctx context.Context, commit string, names []string) (Snapshot, error) {
	files, err := chooseData(s.ref, names)
	if err != nil && s.ref.Revision == defaultRevision && !slices.ContainsFunc(names, isParquet) {
		return s.converted(ctx, err)
	}
	if err != nil {
		return Snapshot{}, err
	}
	held := chooseHeld(files, names)
	if err := s.fetchAll(ctx, commit, slices.Concat(files, held)); err != nil {
		return Snapshot{}, err
	}
	snapshot, err := s.finish(commit, files)
	snapshot.Held = held
	return snapshot, err
}

// converted looks for the Parquet form that the hub makes of other formats; without
// one, the first refusal stands.
func (s *session) converted(ctx context.Context, refusal error) (Snapshot, error) {
	other := *s
	other.ref.Revision = parquetRevision
	snapshot, err := other.online(ctx)
	if errors.As(err, new(*noRevision)) {
		return Snapshot{}, refusal
	}
	return snapshot, err
}

func (s *session) finish(commit string, files []string) (Snapshot, error) {
	return Snapshot{Dir: s.cache.snapshot(commit), Commit: commit, Files: files}, s.cache.remember(s.ref, commit)
}

// fetchAll downloads the files that the snapshot lacks, after asking for all sizes.
func (s *session) fetchAll(ctx context.Context, commit string, files []string) error {
	var missing []*download
	for _, name := range files {
		if s.cache.has(commit, name) {
			continue
		}
		remote, err := s.client.head(ctx, s.ref, commit, name)
		if err != nil {
			return err
		}
		s.total += remote.size
		missing = append(missing, &download{client: s.client, ref: s.ref, commit: commit, name: name, remote: remote, root: s.cache.root})
	}
	for _, d := range missing {
		if err := s.fetch(ctx, d); err != nil {
			return err
		}
		s.done += d.remote.size
	}
	return nil
}

// fetch downloads one blob, unless another process did so meanwhile, and links it.
func (s *session) fetch(ctx context.Context, d *download) (err error) {
	unlock, err := s.cache.lock(ctx, d.remote.etag)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	d.progress = func(done int64) { s.progress(Progress{File: d.name, Done: s.done + done, Total: s.total}) }
	if info, err := d.root.Stat(d.blob()); err != nil || info.Size() != d.remote.size {
		if err := d.fetch(ctx); err != nil {
			return err
		}
	}
	d.progress(d.remote.size)
	return s.cache.link(d.commit, d.name, d.remote.etag)
}
