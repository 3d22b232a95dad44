package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"ftadvise/calibrate/embedded/distribution"
)

// texts are what is made of the distribution.
type texts struct {
	corpus  string // prose of most packages
	general string // prose of a few others: what forgetting is measured on
	near    string // prose of still others: the base model's own distribution
	far     string // assembly, which the base model has never seen
}

func readTexts(src string) (texts, error) {
	goFiles, assembly, err := distribution.Files(src)
	if err != nil {
		return texts{}, err
	}
	sets := map[string]*strings.Builder{"corpus": {}, "general": {}, "near": {}}
	limits := map[string]int{"corpus": corpusBytes, "general": generalBytes, "near": nearRead}
	seen := map[string]bool{}
	for _, path := range goFiles {
		set := distribution.Share(path)
		if sets[set].Len() >= limits[set] {
			continue
		}
		prose, err := distribution.Prose(filepath.Join(src, path), seen)
		if err != nil {
			return texts{}, err
		}
		sets[set].WriteString(prose)
	}
	far, err := join(src, assembly, sampleBytes)
	if err != nil {
		return texts{}, err
	}
	cut := func(set string, limit int) string { return distribution.Cut(sets[set].String(), limit) }
	return texts{corpus: cut("corpus", corpusBytes), general: cut("general", generalBytes), near: cut("near", sampleBytes), far: far}, nil
}

func join(src string, paths []string, limit int) (string, error) {
	var out strings.Builder
	for _, path := range paths {
		data, err := os.ReadFile(filepath.Join(src, path))
		if err != nil {
			return "", err
		}
		if bytes.HasPrefix(data, []byte("// Code generated")) {
			continue
		}
		out.WriteString(distribution.Instructions(string(data)) + "\n\n")
		if out.Len() >= limit {
			break
		}
	}
	return distribution.Cut(out.String(), limit), nil
}
