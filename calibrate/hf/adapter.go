package hf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/safetensors"
)

const (
	adapterConfigFile  = "adapter_config.json"
	adapterWeightsFile = "adapter_model.safetensors"
	adapterPrefix      = "base_model.model."
	// peftVersion is the release whose files the tests compare with.
	peftVersion = "0.21.2"
)

// The ends of an adapter's tensor names after the module's.
const (
	suffixA         = ".lora_A.weight" // rank x in
	suffixB         = ".lora_B.weight" // out x rank
	suffixMagnitude = ".lora_magnitude_vector"
)

// adapterConfig is adapter_config.json, as far as it bears on LoRA.
type adapterConfig struct {
	PEFTType        string          `json:"peft_type"`
	TaskType        string          `json:"task_type"`
	Base            string          `json:"base_model_name_or_path"`
	InferenceMode   bool            `json:"inference_mode"`
	Rank            int             `json:"r"`
	Alpha           float64         `json:"lora_alpha"`
	Dropout         float64         `json:"lora_dropout"`
	TargetModules   json.RawMessage `json:"target_modules"` // a list, or a string that is a regular expression
	Bias            string          `json:"bias"`
	FanInFanOut     bool            `json:"fan_in_fan_out"`
	InitLoRAWeights json.RawMessage `json:"init_lora_weights"`
	UseRSLoRA       bool            `json:"use_rslora"`
	UseDoRA         bool            `json:"use_dora"`
	ModulesToSave   []string        `json:"modules_to_save"`
	PEFTVersion     string          `json:"peft_version"`
}

// SaveAdapter writes a trained LoRA adapter as PEFT does: adapter_config.json,
// adapter_model.safetensors and a model card. base is what PEFT is to load below it, a
// folder or org/name. Tensors are called MODULE.lora_A.weight (rank x in),
// MODULE.lora_B.weight (out x rank) and, for DoRA, MODULE.lora_magnitude_vector (out);
// other tensors are modules that were trained whole, under their canonical names.
func SaveAdapter(dir, base string, m evidence.Method, tensors []safetensors.Source) error {
	config, err := newAdapterConfig(base, m, tensors)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("save adapter: %w", err)
	}
	renamed := slices.Clone(tensors)
	for i := range renamed {
		renamed[i].Name = adapterPrefix + strings.TrimPrefix(renamed[i].Name, adapterPrefix)
	}
	if err := safetensors.Write(filepath.Join(dir, adapterWeightsFile), renamed, ptMetadata()); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(dir, adapterConfigFile), config); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "README.md"), adapterCard(base, m, config))
}

// ptMetadata is what transformers asks for in a file of weights.
func ptMetadata() map[string]string { return map[string]string{"format": "pt"} }

func newAdapterConfig(base string, m evidence.Method, tensors []safetensors.Source) (adapterConfig, error) {
	adapted, whole := adaptedModules(tensors)
	if m.Kind != evidence.LoRA || len(adapted) == 0 {
		return adapterConfig{}, fmt.Errorf("save adapter: %s has no LoRA tensors", m)
	}
	targets, err := json.Marshal(targetModules(m, adapted))
	if err != nil {
		return adapterConfig{}, fmt.Errorf("save adapter: %w", err)
	}
	return adapterConfig{
		PEFTType: "LORA", TaskType: "CAUSAL_LM", Base: base, InferenceMode: true,
		Rank: m.Rank, Alpha: m.Alpha, Dropout: m.Dropout, TargetModules: targets, Bias: "none",
		FanInFanOut:     strings.HasPrefix(adapted[0], "transformer.h."), // GPT-2's Conv1D
		InitLoRAWeights: json.RawMessage("true"),
		UseRSLoRA:       m.Variant == evidence.RsLoRA, UseDoRA: m.Variant == evidence.DoRA,
		ModulesToSave: whole, PEFTVersion: peftVersion,
	}, nil
}

// adaptedModules returns the names of the modules with a LoRA pair, and the last parts
// of the names of those that were trained whole.
func adaptedModules(tensors []safetensors.Source) (adapted, whole []string) {
	for _, t := range tensors {
		name := strings.TrimPrefix(t.Name, adapterPrefix)
		switch {
		case strings.HasSuffix(name, suffixA):
			adapted = append(adapted, strings.TrimSuffix(name, suffixA))
		case strings.HasSuffix(name, suffixB), strings.HasSuffix(name, suffixMagnitude):
		default:
			module := strings.TrimSuffix(strings.TrimSuffix(name, ".weight"), ".bias")
			whole = append(whole, lastPart(module))
		}
	}
	return adapted, unique(whole)
}

// targetModules is the value that lets PEFT find the same modules again: a regular
// expression as it is, else the list of the names' last parts, in which all-linear and
// suffix lists come out exactly.
func targetModules(m evidence.Method, adapted []string) any {
	if m.Targets != evidence.AllLinear && strings.ContainsAny(m.Targets, regexMarks) {
		return m.Targets
	}
	if m.Targets != evidence.AllLinear && m.Targets != "" {
		return strings.Split(strings.ReplaceAll(m.Targets, " ", ""), ",")
	}
	var names []string
	for _, module := range adapted {
		names = append(names, lastPart(module))
	}
	names = unique(names)
	slices.Sort(names)
	return names
}

func adapterCard(base string, m evidence.Method, c adapterConfig) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "---\nbase_model: %q\nlibrary_name: peft\npipeline_tag: text-generation\ntags:\n- lora\n- base_model:adapter:%s\n---\n\n", base, oneLine(base))
	fmt.Fprintf(&b, "# LoRA adapter\n\nTrained by ftadvise as %s on `%s`.\n\n", m, oneLine(base))
	fmt.Fprintf(&b, "| setting | value |\n| --- | --- |\n| rank | %d |\n| alpha | %g |\n| dropout | %g |\n| target modules | `%s` |\n", m.Rank, m.Alpha, m.Dropout, c.TargetModules)
	if m.Variant != "" {
		fmt.Fprintf(&b, "| variant | %s |\n", m.Variant)
	}
	if len(c.ModulesToSave) > 0 {
		fmt.Fprintf(&b, "| modules trained whole | `%s` |\n", strings.Join(c.ModulesToSave, ", "))
	}
	fmt.Fprintf(&b, "\n```python\nfrom peft import AutoPeftModelForCausalLM\n\nmodel = AutoPeftModelForCausalLM.from_pretrained(\"path/to/this/folder\")\n```\n")
	return b.Bytes()
}

// oneLine keeps a name from breaking out of its place in Markdown.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '`' {
			return -1
		}
		return r
	}, text)
}

func writeJSON(path string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return writeFile(path, append(data, '\n'))
}

func writeFile(path string, data []byte) error {
	if err := renameio.WriteFile(path, data, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
