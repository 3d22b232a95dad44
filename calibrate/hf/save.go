package hf

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"ftadvise/calibrate/safetensors"
)

// SideFiles are the files that go with a model's weights and config.json and that
// training leaves as they are.
func SideFiles() []string {
	return []string{
		"generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model",
		"special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
		"chat_template.jinja", "chat_template.json", "LICENSE", "LICENSE.txt", "NOTICE",
	}
}

const maxSideFileBytes = 1 << 30

// SaveModel writes a fully fine-tuned model as a Hugging Face folder: tensors by their
// canonical names as model.safetensors, and config.json, tokenizer and the like from
// fromDir, which is left untouched. All parameters must be there, of one dtype.
func SaveModel(dir, fromDir string, tensors []safetensors.Source) error {
	from, err := OpenConfig(fromDir)
	if err != nil {
		return err
	}
	defer from.Close()
	if sameFolder(dir, fromDir) {
		return refuse(dir, "name another folder", "is the base model's own folder, which is never written to")
	}
	tied, err := checkComplete(from.Config, tensors)
	if err != nil {
		return fmt.Errorf("save model: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("save model: %w", err)
	}
	if err := from.saveConfig(dir, tensors[0].DType, tied); err != nil {
		return err
	}
	if err := from.copySideFiles(dir); err != nil {
		return err
	}
	return safetensors.Write(filepath.Join(dir, WeightsFile), tensors, ptMetadata())
}

func sameFolder(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// checkComplete compares tensors with the parameters of c and reports whether the head
// is tied, which the tensors decide.
func checkComplete(c Config, tensors []safetensors.Source) (tied bool, err error) {
	byName := map[string]safetensors.Source{}
	for _, t := range tensors {
		byName[t.Name] = t
	}
	_, head := byName[headName+".weight"]
	c.Tied = c.Tied && !head
	for _, p := range c.Parameters() {
		t, ok := byName[p.Name]
		if !ok || !slices.Equal(t.Shape, p.Shape) || t.DType != tensors[0].DType {
			return false, fmt.Errorf("tensor %q is %s %v, wanted %s %v", p.Name, t.DType, t.Shape, tensors[0].DType, p.Shape)
		}
		delete(byName, p.Name)
	}
	for name := range byName {
		return false, fmt.Errorf("tensor %q is no parameter of a %s", name, c.ModelType)
	}
	return c.Tied, nil
}

// saveConfig copies config.json with the dtype and tying of the tensors.
func (m *Model) saveConfig(dir, dtype string, tied bool) error {
	data, err := m.folder.read(ConfigFile, maxConfigBytes)
	if err != nil {
		return err
	}
	var config map[string]json.RawMessage
	if err := json.Unmarshal(trimBOM(data), &config); err != nil {
		return fmt.Errorf("save model: %w", err)
	}
	delete(config, "torch_dtype")
	config["dtype"] = json.RawMessage(fmt.Sprintf("%q", torchName(dtype)))
	config["tie_word_embeddings"] = json.RawMessage(fmt.Sprint(tied))
	return writeJSON(filepath.Join(dir, ConfigFile), config)
}

func torchName(dtype string) string {
	switch dtype {
	case "BF16":
		return "bfloat16"
	case "F16":
		return "float16"
	case "F64":
		return "float64"
	}
	return "float32"
}

func (m *Model) copySideFiles(dir string) error {
	var errs []error
	for _, name := range SideFiles() {
		if !m.folder.has(name) {
			continue
		}
		data, err := m.folder.read(name, maxSideFileBytes)
		if err == nil {
			err = writeFile(filepath.Join(dir, name), data)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
