package hub

import (
	"path/filepath"
	"regexp"
	"strings"
)

// Kind tells models from datasets.
type Kind string

// The kinds of repositories.
const (
	Model   Kind = "model"
	Dataset Kind = "dataset"
)

// Ref names a repository at a revision.
type Ref struct {
	Kind     Kind
	ID       string // org/name, or a name alone as the oldest models have
	Revision string // branch, tag, refs/... or commit; main where none is given
	Subset   string // the folder of one of a dataset's configurations, or empty
}

const defaultRevision = "main"

var (
	namePattern   = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,94}[A-Za-z0-9])?$`)
	revPattern    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,250}$`)
	commitPattern = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// ParseRef reads org/name[@revision]; a dataset may have one of its configurations
// after its name: org/name/config[@revision].
func ParseRef(text string, kind Kind) (Ref, error) {
	id, revision, given := strings.Cut(text, "@")
	if !given {
		revision = defaultRevision
	}
	ref := Ref{Kind: kind, ID: id, Revision: revision}
	parts := strings.Split(id, "/")
	if kind == Dataset && len(parts) > 2 {
		ref.ID, ref.Subset = strings.Join(parts[:2], "/"), strings.Join(parts[2:], "/")
		parts = parts[:2]
	}
	if len(parts) > 2 || !validNames(parts) || ref.Subset != "" && !filepath.IsLocal(ref.Subset) {
		return Ref{}, refuse(text, "give a folder, or org/name[@revision]", "is no folder and no name of a %s on the hub", kind)
	}
	if !revPattern.MatchString(revision) || !filepath.IsLocal(revision) {
		return Ref{}, refuse(text, "give a branch, a tag or a commit after the @", "%q is no revision", revision)
	}
	return ref, nil
}

func validNames(parts []string) bool {
	for _, part := range parts {
		if !namePattern.MatchString(part) || strings.Contains(part, "--") || strings.Contains(part, "..") {
			return false
		}
	}
	return true
}

// String is the name without the kind.
func (r Ref) String() string { return r.ID + "@" + r.Revision }

// isCommit reports whether the revision can never move.
func (r Ref) isCommit() bool { return commitPattern.MatchString(r.Revision) }

// folder is the repository's folder in the cache.
func (r Ref) folder() string {
	return string(r.Kind) + "s--" + strings.ReplaceAll(r.ID, "/", "--")
}
