package dataset

import (
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// mixedSplits finds two files that by their names belong to different splits of one data
// set, as train-00000.parquet and test.jsonl do; empty where there are none. A folder's
// files are read as one, so what was meant to be held out would train.
func mixedSplits(sources []source) (train, held string) {
	for _, s := range sources {
		switch name := filepath.Base(s.path); {
		case train == "" && ofSplit(name, "train", "training"):
			train = name
		case held == "" && ofSplit(name, "test", "validation", "valid", "val", "dev", "eval"):
			held = name
		}
	}
	if train == "" || held == "" {
		return "", ""
	}
	return train, held
}

// ofSplit reports whether a file's name begins with one of these words.
func ofSplit(name string, words ...string) bool {
	word, _, _ := strings.Cut(strings.ToLower(name), ".")
	if i := strings.IndexFunc(word, func(r rune) bool { return !unicode.IsLetter(r) }); i >= 0 {
		word = word[:i]
	}
	return slices.Contains(words, word)
}
