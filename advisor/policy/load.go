package policy

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"ftadvise/advisor/strictyaml"
)

// maxChain is how many policies may extend one another.
const maxChain = 8

// Load reads a policy by the name of a built-in one, or by the path of a file or of a
// folder that holds a policy.yaml. builtin holds one folder a policy.
func Load(ref string, builtin fs.FS) (*Policy, error) {
	from, name, err := find(ref, builtin)
	if err != nil {
		return nil, err
	}
	return load(from, name, builtin)
}

// source is a file system with its place on the disk, for messages.
type source struct {
	fsys fs.FS
	dir  string // "" for built-in policies
}

func (s source) shown(name string) string {
	if s.dir == "" {
		return name
	}
	return filepath.Join(s.dir, name)
}

// find says where a policy lies: an existing file or folder wins over a built-in name
// only where it looks like a path.
func find(ref string, builtin fs.FS) (source, string, error) {
	if strings.ContainsAny(ref, `/\.`) {
		info, err := os.Stat(ref)
		if err != nil {
			return source{}, "", &SyntaxError{File: ref, What: "no such policy file", Fix: "name a file, a folder with policy.yaml, or one of " + strings.Join(Names(builtin), ", ")}
		}
		if info.IsDir() {
			return source{os.DirFS(ref), ref}, "policy.yaml", nil
		}
		return source{os.DirFS(filepath.Dir(ref)), filepath.Dir(ref)}, filepath.Base(ref), nil
	}
	if !contains(Names(builtin), ref) {
		what := fmt.Sprintf("no policy is called %q", ref)
		if near := strictyaml.Nearest(ref, Names(builtin)); near != "" {
			what += ": did you mean " + near + "?"
		}
		return source{}, "", &SyntaxError{File: "policy", What: what, Fix: "built in are " + strings.Join(Names(builtin), ", ") + "; a file is named by its path, such as ./policy.yaml"}
	}
	return source{fsys: builtin}, path.Join(ref, "policy.yaml"), nil
}

// Names lists the policies of a file system, one folder each.
func Names(fsys fs.FS) []string {
	found, err := fs.Glob(fsys, "*/policy.yaml")
	if err != nil {
		return nil
	}
	for i, f := range found {
		found[i] = path.Dir(f)
	}
	sort.Strings(found)
	return found
}

// LoadFS reads the policy at name in fsys.
func LoadFS(fsys fs.FS, name string, builtin fs.FS) (*Policy, error) {
	return load(source{fsys: fsys}, name, builtin)
}

func load(from source, name string, builtin fs.FS) (*Policy, error) {
	c, err := newCompiler()
	if err != nil {
		return nil, err
	}
	l := loader{compiler: c, builtin: builtin}
	p, err := l.load(from, name, nil)
	if err != nil {
		return nil, err
	}
	if len(p.rules) == 0 {
		return nil, &SyntaxError{File: from.shown(name), What: "no rules", Fix: "a policy needs rules of its own, or extends: one that has them"}
	}
	p.Digest = digest(l.sources)
	return p, nil
}

type loader struct {
	compiler *compiler
	builtin  fs.FS
	sources  [][]byte
}

func (l *loader) load(from source, name string, seen []string) (*Policy, error) {
	data, err := readCapped(from, name)
	if err != nil {
		return nil, err
	}
	l.sources = append(l.sources, data)
	var d document
	file := from.shown(name)
	if err := strictyaml.Decode(file, data, &d); err != nil {
		return nil, err
	}
	r := reader{file: file, data: data, compiler: l.compiler}
	p, err := r.build(d)
	if err != nil || d.Extends.value == "" {
		return p, err
	}
	base, err := l.base(from, name, r, d.Extends, append(seen, name))
	if err != nil {
		return nil, err
	}
	return p.over(base, d), nil
}

// base loads what a policy extends: a built-in by its name, or a file beside it.
func (l *loader) base(from source, self string, r reader, ref text, seen []string) (*Policy, error) {
	if len(seen) >= maxChain {
		return nil, r.at(ref, fmt.Sprintf("more than %d policies extend one another", maxChain), "policies that extend each other in a circle never end")
	}
	if strings.ContainsAny(ref.value, `/\.`) {
		name := path.Join(path.Dir(self), ref.value)
		if !fs.ValidPath(name) {
			return nil, r.at(ref, fmt.Sprintf("extends: %s leaves the policy's folder", ref.value), "extend a built-in policy by name, or a file beside this one")
		}
		return l.load(from, name, seen)
	}
	if !contains(Names(l.builtin), ref.value) {
		what := fmt.Sprintf("extends: no policy is called %s", ref.value)
		if near := strictyaml.Nearest(ref.value, Names(l.builtin)); near != "" {
			what += ": did you mean " + near + "?"
		}
		return nil, r.at(ref, what, "built in are "+strings.Join(Names(l.builtin), ", "))
	}
	return l.load(source{fsys: l.builtin}, path.Join(ref.value, "policy.yaml"), seen)
}

func readCapped(from source, name string) ([]byte, error) {
	file := from.shown(name)
	f, err := from.fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &SyntaxError{File: file, What: "no such file", Fix: "check the path"}
	}
	if err != nil {
		return nil, fmt.Errorf("open policy %s: %w", file, err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("open policy %s: %w", file, err)
	}
	if !info.Mode().IsRegular() {
		return nil, &SyntaxError{File: file, What: "not a plain file", Fix: "name the policy.yaml itself"}
	}
	data, err := io.ReadAll(io.LimitReader(f, strictyaml.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read policy %s: %w", file, err)
	}
	return data, nil
}

// over lays a policy over the one it extends. Its rules come first; a constraint or
// rule of the same name takes the other's place; weights and limits that it does not
// state are inherited.
func (p *Policy) over(base *Policy, d document) *Policy {
	p.Chain = append(p.Chain, base.Chain...)
	if d.Confidence == nil {
		p.confidence = base.confidence
	}
	if d.AcceptableRegret == nil {
		p.regret = base.regret
	}
	merged := map[string]float64{}
	for _, w := range []map[string]float64{base.weights, p.weights} {
		for name, v := range w {
			merged[name] = v
		}
	}
	p.weights = merged
	for _, c := range base.limits {
		if !p.own[constraintPrefix+c.name] {
			p.limits = append(p.limits, c)
		}
	}
	for _, r := range base.rules {
		if !p.own[r.name] {
			p.rules = append(p.rules, r)
		}
	}
	if p.Description == "" {
		p.Description = base.Description
	}
	return p
}
