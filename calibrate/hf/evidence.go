package hf

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"os"
	"path"

	"ftadvise/calibrate/evidence"
)

// Evidence describes the model for a run's file. Its fingerprint is the SHA-256 of
// config.json, the tokenizer's files and the weights' headers and sizes: the same for
// copies of one folder, and quick. random marks weights that are drawn, not read.
func (m *Model) Evidence(name string, random bool) (evidence.Model, error) {
	fingerprint, err := m.fingerprint()
	if err != nil {
		return evidence.Model{}, err
	}
	return evidence.Model{
		Name:          name,
		Architecture:  m.Config.ModelType,
		Params:        m.Config.Params(),
		Layers:        m.Config.Layers,
		Hidden:        m.Config.Hidden,
		Vocab:         m.Config.Vocab,
		MaxPositions:  m.Config.MaxPositions,
		Fingerprint:   fingerprint,
		RandomWeights: random,
	}, nil
}

func (m *Model) fingerprint() (string, error) {
	if m.folder == nil {
		return "", fmt.Errorf("%s is closed", m.Dir)
	}
	sum := sha256.New()
	for _, name := range []string{ConfigFile, "tokenizer.json", "tokenizer_config.json"} {
		if err := m.hashFile(sum, name); err != nil {
			return "", err
		}
	}
	for _, name := range m.names {
		t := m.weights[name].tensor
		fmt.Fprintf(sum, "%s %s %v %d\n", name, t.DType, t.Shape, t.Bytes)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// hashFile adds a file, or its absence.
func (m *Model) hashFile(sum hash.Hash, name string) error {
	data, err := m.folder.root.ReadFile(path.Join(m.folder.prefix, name))
	if errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(sum, "%s absent\n", name)
		return nil
	}
	if err != nil {
		return fmt.Errorf("fingerprint of %s: %w", m.Dir, err)
	}
	fmt.Fprintf(sum, "%s %d\n", name, len(data))
	_, err = sum.Write(data)
	return err
}
