package config

import (
	"fmt"
	"slices"
	"strings"
)

// didYouMean proposes the known path that is nearest to a mistyped one.
func didYouMean(path string, known map[string]field) string {
	best, nearest := len(path)/2+1, ""
	for _, candidate := range sortedPaths(known) {
		if d := editDistance(path, candidate); d < best {
			best, nearest = d, candidate
		}
	}
	if nearest == "" {
		nearest = sameLeaf(path, known)
	}
	if nearest == "" {
		return "config.yaml lists every key; so does ftadvise config show"
	}
	return fmt.Sprintf("did you mean %s?", nearest)
}

// sameLeaf finds the path that has the same last part: rank is lora.rank.
func sameLeaf(path string, known map[string]field) string {
	leaf := path[strings.LastIndexByte(path, '.')+1:]
	for _, candidate := range sortedPaths(known) {
		if strings.HasSuffix(candidate, "."+leaf) || candidate == leaf {
			return candidate
		}
	}
	return ""
}

func sortedPaths(known map[string]field) []string {
	out := make([]string, 0, len(known))
	for path := range known {
		out = append(out, path)
	}
	slices.Sort(out)
	return out
}

// editDistance is Levenshtein's: insertions, deletions and substitutions.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
