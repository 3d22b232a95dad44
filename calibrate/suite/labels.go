package suite

import (
	"path/filepath"
	"strings"

	"ftadvise/calibrate/embedded/distribution"
)

const (
	labelRecords = 3000
	labelBytes   = 120 // of a comment's beginning
)

// labelOf names the part of the distribution that a package belongs to; empty for the
// others. Each is one word that the base models know.
func labelOf(path string) string {
	top, rest, _ := strings.Cut(filepath.ToSlash(path), "/")
	switch top {
	case "runtime":
		return "runtime"
	case "crypto":
		return "key"
	case "net":
		return "network"
	case "cmd":
		if strings.HasPrefix(rest, "go/") {
			return "module"
		}
		return "compiler"
	}
	return ""
}

// labels pairs the beginning of a comment with where it is from, as many of each.
func (s Sources) labels() (string, error) {
	src := filepath.Join(s.Root, "src")
	goFiles, _, err := distribution.Files(src)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	seen, count := map[string]bool{}, map[string]int{}
	for _, path := range goFiles {
		label := labelOf(path)
		if label == "" || count[label] >= labelRecords/5 {
			continue
		}
		text, err := distribution.Prose(filepath.Join(src, path), seen)
		if err != nil {
			return "", err
		}
		for paragraph := range strings.SplitSeq(text, "\n\n") {
			if len(paragraph) >= labelBytes && count[label] < labelRecords/5 {
				count[label]++
				out.WriteString(record(begin(paragraph), " "+label))
			}
		}
	}
	return out.String(), nil
}

// begin is a comment's first words, on one line, and the question.
func begin(paragraph string) string {
	words := strings.Join(strings.Fields(strings.ToValidUTF8(paragraph[:labelBytes], "")), " ")
	return words + " ... is from the"
}
