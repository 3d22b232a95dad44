package suite

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"unicode/utf8"

	"ftadvise/calibrate/embedded/distribution"
)

// Sources is where the texts come from: the root of a Go distribution.
type Sources struct{ Root string }

// Sizes in bytes. A run of 1,500 steps of 2,048 tokens reads about seven million.
const (
	largeBytes   = 4_000_000
	middleBytes  = 1_200_000
	handfulBytes = 40_000
)

// near lists the Go files of the packages that were kept from the bases' corpus, below src.
func (s Sources) near() ([]string, error) {
	goFiles, _, err := distribution.Files(filepath.Join(s.Root, "src"))
	return keep(goFiles, func(path string) bool { return distribution.Share(path) == "near" }), err
}

// comments takes prose of the packages that were kept from the bases' corpus.
func (s Sources) comments() (string, error) {
	paths, err := s.near()
	if err != nil {
		return "", err
	}
	var out strings.Builder
	seen := map[string]bool{}
	for _, path := range paths {
		if out.Len() >= middleBytes {
			break
		}
		text, err := distribution.Prose(filepath.Join(s.Root, "src", path), seen)
		if err != nil {
			return "", err
		}
		out.WriteString(text)
	}
	return distribution.Cut(out.String(), middleBytes), nil
}

// permuted needs prose alone, so that the permutation is all that is new.
func (s Sources) permuted() (string, error) {
	text, err := s.comments()
	return permute(text), err
}

// handful is prose of one package, the first by hash that has enough.
func (s Sources) handful() (string, error) {
	paths, err := s.near()
	if err != nil {
		return "", err
	}
	texts := map[string]string{}
	seen := map[string]bool{}
	for _, path := range paths {
		text, err := distribution.Prose(filepath.Join(s.Root, "src", path), seen)
		if err != nil {
			return "", err
		}
		dir := filepath.Dir(path)
		if texts[dir] += text; len(texts[dir]) >= handfulBytes {
			return distribution.Cut(texts[dir], handfulBytes), nil
		}
	}
	return "", errors.New("no package has so much prose")
}

func (s Sources) opticks() (string, error) {
	text, err := os.ReadFile(filepath.Join(s.Root, "src", "testdata", "Isaac.Newton-Opticks.txt"))
	return string(text), err
}

func (s Sources) goSource() (string, error) {
	paths, err := s.near()
	if err != nil {
		return "", err
	}
	return s.join("src", paths, largeBytes, distribution.Instructions)
}

func (s Sources) assembly() (string, error) {
	_, assembly, err := distribution.Files(filepath.Join(s.Root, "src"))
	if err != nil {
		return "", err
	}
	return s.join("src", assembly, middleBytes, distribution.Instructions)
}

func (s Sources) scripts() (string, error) {
	return s.folder("src/cmd/go/testdata/script", ".txt", middleBytes)
}

func (s Sources) signatures() (string, error) { return s.folder("api", ".txt", middleBytes) }

func (s Sources) html() (string, error) { return s.folder("doc", ".html", middleBytes) }

func (s Sources) opcodes() (string, error) {
	return s.folder("src/cmd/asm/internal/asm/testdata/avx512enc", ".s", middleBytes)
}

func (s Sources) json() (string, error) { return s.folder("src", ".json", middleBytes) }

// folder joins the files below a folder that end so, in the order of their hashes.
func (s Sources) folder(dir, ending string, limit int) (string, error) {
	var paths []string
	err := filepath.WalkDir(filepath.Join(s.Root, dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ending) {
			return err
		}
		rel, err := filepath.Rel(filepath.Join(s.Root, dir), path)
		paths = append(paths, filepath.ToSlash(rel))
		return err
	})
	if err != nil {
		return "", err
	}
	sort.Slice(paths, func(i, j int) bool { return distribution.Hash(paths[i]) < distribution.Hash(paths[j]) })
	return s.join(dir, paths, limit, func(text string) string { return text })
}

// join leaves out generated Go, what is no text, and all that comes after the limit.
func (s Sources) join(dir string, paths []string, limit int, clean func(string) string) (string, error) {
	var out strings.Builder
	for _, path := range paths {
		data, err := os.ReadFile(filepath.Join(s.Root, dir, path))
		if err != nil {
			return "", err
		}
		generated := strings.HasSuffix(path, ".go") && bytes.HasPrefix(data, []byte("// Code generated"))
		if generated || !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
			continue
		}
		out.WriteString(clean(string(data)) + "\n\n")
		if out.Len() >= limit {
			break
		}
	}
	if out.Len() == 0 {
		return "", fmt.Errorf("%s: no text", filepath.Join(s.Root, dir))
	}
	return distribution.Cut(out.String(), limit), nil
}

func keep(paths []string, wanted func(string) bool) []string {
	var out []string
	for _, path := range paths {
		if wanted(path) {
			out = append(out, path)
		}
	}
	return out
}
