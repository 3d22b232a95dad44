// Package embedded is what ftadvise ships to be tried with: a really trained base model
// of 0.92 million parameters, a near and a far sample dataset, and general text.
//
//  1. make (a command below this folder) derives corpus, tokenizer and samples from the
//     Go distribution; ftadvise-engine pretrain trains the model; base/README.md is its
//     card with data, licence and figures.
//  2. Extract writes them to a folder, where they are files like any user's own.
//  3. General is the text on which forgetting is measured, whatever the user's model.
package embedded

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed base data
var files embed.FS //nolint:gochecknoglobals // go:embed knows no other place

// Paths are where Extract put things.
type Paths struct {
	Base string // model folder
	Near string // prose like that which the base model was trained on
	Far  string // assembly, narrow and far from it
}

// Extract writes the base model and the samples below dir. What is there already with
// the right size is left alone, so that a second call costs nothing.
func Extract(dir string) (Paths, error) {
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(name))
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		return extractFile(name, to)
	})
	if err != nil {
		return Paths{}, fmt.Errorf("extracting the embedded model and data: %w", err)
	}
	data := filepath.Join(dir, "data")
	return Paths{Base: filepath.Join(dir, "base"), Near: filepath.Join(data, "near.txt"), Far: filepath.Join(data, "far.txt")}, nil
}

func extractFile(name, to string) error {
	content, err := files.ReadFile(name)
	if err != nil {
		return err
	}
	if info, err := os.Stat(to); err == nil && info.Size() == int64(len(content)) {
		return nil
	}
	// Written beside its place first: a reader never sees half a file.
	part, err := os.CreateTemp(filepath.Dir(to), ".part-")
	if err != nil {
		return err
	}
	_, err = part.Write(content)
	err = errors.Join(err, part.Chmod(0o644), part.Close())
	if err == nil {
		err = os.Rename(part.Name(), to)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	return nil
}

// General is prose of no particular domain, about 60 kB.
func General() io.Reader {
	content, err := files.ReadFile("data/general.txt")
	if err != nil {
		return bytes.NewReader(nil) // cannot be: the file is part of the program
	}
	return bytes.NewReader(content)
}
