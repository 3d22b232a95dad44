package hf

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/safetensors"
)

// Model is an open model folder.
type Model struct {
	Dir    string
	Config Config
	// Warnings is what a person should know before trusting the weights.
	Warnings []evidence.Warning

	folder  *folder
	files   []*safetensors.File
	weights map[string]weight // by canonical name
	names   []string
}

// weight is where a tensor lies.
type weight struct {
	file   *safetensors.File
	tensor safetensors.Tensor // under its name in the file
}

const maxConfigBytes = 16 << 20

// OpenConfig reads config.json alone. The model has no weights: Names is empty.
func OpenConfig(dir string) (*Model, error) {
	return openIn(dir, func(f *folder) *Model { return &Model{Dir: dir, folder: f} }, (*Model).readConfig)
}

func (m *Model) readConfig() error {
	if !m.folder.has(ConfigFile) {
		return refuse(m.folder.path(ConfigFile), adviceFolder, "no such file: %s is no model folder", m.Dir)
	}
	data, err := m.folder.read(ConfigFile, maxConfigBytes)
	if err != nil {
		return err
	}
	m.Config, err = parseConfig(data, m.folder.path(ConfigFile))
	if err == nil {
		m.dropToken("bos_token_id", &m.Config.BOS)
		m.dropToken("eos_token_id", &m.Config.EOS)
		m.dropToken("pad_token_id", &m.Config.PAD)
	}
	return err
}

// dropToken drops a token ID that has no row in the embedding. Models in use have -1
// or the vocabulary's size for padding, so it is no reason to refuse them.
func (m *Model) dropToken(name string, id **int) {
	if given := *id; given != nil && (*given < 0 || *given >= m.Config.Vocab) {
		m.warn("token-outside-vocabulary", fmt.Sprintf("%s in config.json is %d, outside the vocabulary of %d; it is left out", name, *given, m.Config.Vocab))
		*id = nil
	}
}

// Open reads config.json and the headers of the weights and checks that the weights
// are those that the architecture needs. No weight is touched but to compare a head
// that is stored although tied.
func Open(dir string) (*Model, error) {
	m, err := OpenConfig(dir)
	if err != nil {
		return nil, err
	}
	if err := m.openWeights(); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func (m *Model) openWeights() error {
	stored, err := m.stored()
	if err != nil {
		return err
	}
	if err := m.untie(stored); err != nil {
		return err
	}
	m.weights = map[string]weight{}
	for _, p := range m.Config.Parameters() {
		w, ok := m.find(stored, p.Name)
		if !ok {
			return refuse(m.Dir, "complete the model's folder, or correct config.json", "the weights lack %q, which a %s of config.json's sizes has", p.Name, m.Config.ModelType)
		}
		if err := m.checkWeight(p, w.tensor); err != nil {
			return err
		}
		m.weights[p.Name] = w
		m.names = append(m.names, p.Name)
	}
	return nil
}

// find looks a canonical name up, in files of the model without its head under the
// name without its prefix.
func (m *Model) find(stored map[string]weight, name string) (weight, bool) {
	if w, ok := stored[name]; ok {
		return w, true
	}
	family, _ := familyOf(m.Config.ModelType)
	w, ok := stored[strings.TrimPrefix(name, family.Prefix)]
	return w, ok
}

func (m *Model) checkWeight(p Parameter, t safetensors.Tensor) error {
	if !slices.Equal(p.Shape, t.Shape) {
		return refuse(m.Dir, "config.json and weights are of different models", "tensor %q has shape %v, config.json wants %v", t.Name, t.Shape, p.Shape)
	}
	switch t.DType {
	case "F32", "F16", "BF16", "F64":
		return nil
	}
	return refuse(m.Dir, "give weights in F32, F16 or BF16", "tensor %q has dtype %s, which is not supported for weights", t.Name, t.DType)
}

// untie compares a head that is stored although config.json ties it, which is harmless
// as long as it is the embedding. Where it differs, the file is right.
func (m *Model) untie(stored map[string]weight) error {
	head, ok := stored[headName+".weight"]
	if !ok || !m.Config.Tied {
		return nil
	}
	embedding, ok := m.find(stored, m.Config.Parameters()[0].Name)
	if !ok {
		return nil // the missing embedding is reported soon
	}
	a, errA := head.file.Bytes(head.tensor)
	b, errB := embedding.file.Bytes(embedding.tensor)
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	if bytes.Equal(a, b) {
		return nil
	}
	m.Config.Tied = false
	m.warn("head-not-tied", "config.json ties the head to the embedding, but the file holds a head of its own; the file's is used")
	return nil
}

func (m *Model) warn(code, text string) {
	m.Warnings = append(m.Warnings, evidence.Warning{Code: code, Text: text})
}

// Tensor returns a weight by its canonical name. The bytes are valid until Close and
// must not be written to.
func (m *Model) Tensor(name string) (safetensors.Tensor, []byte, error) {
	w, ok := m.weights[name]
	if !ok {
		return safetensors.Tensor{}, nil, fmt.Errorf("%s: no tensor %q", m.Dir, name)
	}
	data, err := w.file.Bytes(w.tensor)
	t := w.tensor
	t.Name = name
	return t, data, err
}

// Names lists the weights' canonical names in the order of Config.Parameters.
func (m *Model) Names() []string { return m.names }

// Has reports whether there is a weight of that canonical name.
func (m *Model) Has(name string) bool {
	_, ok := m.weights[name]
	return ok
}

// Close ends the mappings; it may be called twice.
func (m *Model) Close() error {
	var errs []error
	for _, f := range m.files {
		errs = append(errs, f.Close())
	}
	m.files = nil
	if m.folder != nil {
		errs = append(errs, m.folder.root.Close())
		m.folder = nil
	}
	return errors.Join(errs...)
}
