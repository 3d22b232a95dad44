package hub

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/safetensors"
)

// chooseModel picks config.json, the files beside the weights, and the weights or
// their index; the shards follow from the index.
func chooseModel(ref Ref, names []string) ([]string, error) {
	var chosen []string
	for _, name := range append([]string{hf.ConfigFile}, hf.SideFiles()...) {
		if slices.Contains(names, name) {
			chosen = append(chosen, name)
		}
	}
	switch {
	case !slices.Contains(names, hf.ConfigFile):
		return nil, refuse(ref.ID, "give a model in the form of transformers", "has no %s", hf.ConfigFile)
	case slices.Contains(names, hf.WeightsFile):
		return append(chosen, hf.WeightsFile), nil
	case slices.Contains(names, hf.IndexFile):
		return append(chosen, hf.IndexFile), nil
	case slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "pytorch_model") }):
		return nil, refuse(ref.ID, safetensors.AdviceConvert+", or name a revision that has safetensors, often @refs/pr/1",
			"has its weights as pickles alone, which are never opened")
	}
	return nil, refuse(ref.ID, "give a model in the form of transformers", "has no %s", hf.WeightsFile)
}

// chooseData picks the Parquet files of one configuration: those of the training split
// where the names tell.
func chooseData(ref Ref, names []string) ([]string, error) {
	var found []string
	for _, name := range names {
		if isParquet(name) && (ref.Subset == "" || strings.HasPrefix(name, ref.Subset+"/")) {
			found = append(found, name)
		}
	}
	if train := slices.DeleteFunc(slices.Clone(found), func(n string) bool { return !ofSplit(n, "train", "training") }); len(train) > 0 {
		found = train
	}
	if len(found) == 0 {
		return nil, refuse(ref.ID, "download its files and give their folder", "has no Parquet files")
	}
	if folders := topFolders(found); ref.Subset == "" && len(folders) > 1 {
		return nil, refuse(ref.ID, "name one, such as "+ref.ID+"/"+folders[0], "has several configurations: %s", strings.Join(folders, ", "))
	}
	slices.Sort(found)
	return found, nil
}

// chooseHeld picks what the dataset itself holds out, where the names tell: its
// validation split, else its test split, of the configuration that trains.
func chooseHeld(train, names []string) []string {
	for _, split := range [][]string{{"validation", "valid", "val", "dev"}, {"test"}} {
		var held []string
		for _, name := range names {
			if isParquet(name) && !slices.Contains(train, name) && ofSplit(name, split...) && slices.Equal(topFolders([]string{name}), topFolders(train)) {
				held = append(held, name)
			}
		}
		if len(held) > 0 {
			slices.Sort(held)
			return held
		}
	}
	return nil
}

// ofSplit reports whether a file's own name or a folder of its path is of a split:
// train-00000-of-00002.parquet, default/train/0000.parquet.
func ofSplit(name string, split ...string) bool {
	for part := range strings.SplitSeq(name, "/") {
		word, _, _ := strings.Cut(strings.TrimSuffix(part, ".parquet"), "-")
		if slices.Contains(split, word) {
			return true
		}
	}
	return false
}

func topFolders(names []string) []string {
	var folders []string
	for _, name := range names {
		top, _, nested := strings.Cut(name, "/")
		if !nested {
			top = "."
		}
		if !slices.Contains(folders, top) {
			folders = append(folders, top)
		}
	}
	slices.Sort(folders)
	return folders
}

// localName refuses names that would lead out of the snapshot.
func localName(ref Ref, name string) error {
	if !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name || strings.ContainsAny(name, "\\\x00") {
		return refuse(ref.ID, "do not use it: such a name is an attack or damage", "lists the file %q, which lies outside its folder", name)
	}
	return nil
}

func isParquet(name string) bool { return strings.HasSuffix(name, ".parquet") }
