package distribution

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"unicode/utf8"
)

// Share puts a package into one of the sets by its path's hash.
func Share(path string) string {
	switch h := Hash(filepath.Dir(path)) % 100; {
	case h < 6:
		return "general"
	case h < 20:
		return "near"
	default:
		return "corpus"
	}
}

// Hash orders paths as if by chance, always alike.
func Hash(s string) uint64 {
	sum := sha256.Sum256([]byte(s))
	return binary.LittleEndian.Uint64(sum[:8])
}

// Files lists Go files and amd64 assembly below src, in the order of their hashes.
func Files(src string) (goFiles, assembly []string, err error) {
	err = filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "vendor"):
			return filepath.SkipDir
		case strings.HasSuffix(rel, "_amd64.s"):
			assembly = append(assembly, rel)
		case strings.HasSuffix(rel, ".go") && !strings.HasSuffix(rel, "_test.go"):
			goFiles = append(goFiles, rel)
		}
		return nil
	})
	for _, list := range [][]string{goFiles, assembly} {
		sort.Slice(list, func(i, j int) bool { return Hash(list[i]) < Hash(list[j]) })
	}
	if err == nil && (len(goFiles) == 0 || len(assembly) == 0) {
		err = fmt.Errorf("%s: no Go distribution", src)
	}
	return goFiles, assembly, err
}

// minProse leaves out labels and lists: a comment must read like sentences.
const minProse = 80

// Prose returns the comments of a file as paragraphs, each text once overall.
func Prose(path string, seen map[string]bool) (string, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if bytes.HasPrefix(source, []byte("// Code generated")) {
		return "", nil
	}
	var s scanner.Scanner
	set := token.NewFileSet()
	file := set.AddFile(path, -1, len(source))
	s.Init(file, source, nil, scanner.ScanComments)
	var out strings.Builder
	var block []string
	lastLine := -2
	flush := func() {
		text := strings.TrimSpace(strings.Join(block, "\n"))
		block = nil
		if len(text) >= minProse && utf8.ValidString(text) && !seen[text] && !boilerplate(text) {
			seen[text] = true
			out.WriteString(text + "\n\n")
		}
	}
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			flush()
			return out.String(), nil
		}
		if tok != token.COMMENT {
			continue
		}
		line := set.Position(pos).Line
		if line != lastLine+1 {
			flush()
		}
		block = append(block, plain(lit))
		lastLine = line + strings.Count(lit, "\n")
	}
}

func plain(comment string) string {
	if rest, ok := strings.CutPrefix(comment, "//"); ok {
		return strings.TrimPrefix(rest, " ")
	}
	return strings.TrimSuffix(strings.TrimPrefix(comment, "/*"), "*/")
}

func boilerplate(text string) bool {
	return strings.Contains(text, "Use of this source code") || strings.HasPrefix(text, "go:") || strings.HasPrefix(text, "Copyright")
}

// Instructions leaves comments out: they are the prose that the base model knows.
func Instructions(assembly string) string {
	var out []string
	for line := range strings.Lines(assembly) {
		code, _, _ := strings.Cut(strings.TrimRight(line, "\n"), "//")
		if code = strings.TrimRight(code, " \t"); code != "" {
			out = append(out, code)
		}
	}
	return strings.Join(out, "\n")
}

// Cut keeps whole lines of at most limit bytes.
func Cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	at := strings.LastIndex(text[:limit], "\n")
	return text[:at+1]
}
