package recipe

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"ftadvise/calibrate/evidence"
)

// factoryConfig is what llamafactory-cli train reads. The template is left to the
// tokenizer's own.
type factoryConfig struct {
	ModelNameOrPath string `yaml:"model_name_or_path"`
	ModelRevision   string `yaml:"model_revision,omitempty"`

	FlashAttn string `yaml:"flash_attn,omitempty"`

	Stage      string  `yaml:"stage"`
	DoTrain    bool    `yaml:"do_train"`
	Finetuning string  `yaml:"finetuning_type"`
	LoRARank   int     `yaml:"lora_rank,omitempty"`
	LoRAAlpha  int     `yaml:"lora_alpha,omitempty"`
	Dropout    *number `yaml:"lora_dropout,omitempty"`
	Target     string  `yaml:"lora_target,omitempty"`
	Whole      string  `yaml:"additional_target,omitempty"`
	RSLoRA     bool    `yaml:"use_rslora,omitempty"`
	DoRA       bool    `yaml:"use_dora,omitempty"`
	LoRAPlus   number  `yaml:"loraplus_lr_ratio,omitempty"`

	DatasetDir  string `yaml:"dataset_dir"`
	Dataset     string `yaml:"dataset"`
	CutoffLen   int    `yaml:"cutoff_len"`
	Packing     bool   `yaml:"packing"`
	NeatPacking bool   `yaml:"neat_packing"`
	ValSize     number `yaml:"val_size,omitempty"`

	EvalStrategy string `yaml:"eval_strategy"`
	EvalSteps    int    `yaml:"eval_steps,omitempty"`
	EvalBatch    int    `yaml:"per_device_eval_batch_size"`

	trainerArguments `yaml:",inline"`

	BF16     bool `yaml:"bf16"`
	PureBF16 bool `yaml:"pure_bf16,omitempty"`
}

// factoryData is the name of the data in dataset_info.json.
const factoryData = "advised"

func (s Settings) llamaFactory() ([]File, error) {
	trainer, err := s.trainer()
	if err != nil {
		return nil, err
	}
	c := factoryConfig{
		ModelNameOrPath: s.Model, ModelRevision: s.Revision, Stage: "sft", DoTrain: true, Finetuning: "full",
		DatasetDir: ".", Dataset: factoryData, CutoffLen: s.SeqLength, Packing: true, NeatPacking: true,
		EvalStrategy: "no", EvalBatch: s.MicroBatch, trainerArguments: trainer,
		BF16: s.mixed() && !s.weights(), PureBF16: s.weights(),
	}
	if s.Data.Shape == "text" {
		c.Stage, c.NeatPacking = "pt", false
	}
	if s.attention() != "" {
		c.FlashAttn = "fa2"
	}
	if s.EvalShare > 0 {
		c.ValSize, c.EvalStrategy, c.EvalSteps = number(s.EvalShare), "steps", s.evalEvery()
	}
	if err := s.factoryMethod(&c); err != nil {
		return nil, err
	}
	info, err := s.factoryInfo()
	if err != nil {
		return nil, err
	}
	train, err := encode("llamafactory.yaml", c, s.Comment, s.factoryCommand(), s.packingNote(),
		"The wording of prompts is that of the tokenizer's chat template, or bare text where it has none.")
	return []File{train, info}, err
}

func (s Settings) factoryCommand() string {
	const command = "llamafactory-cli train llamafactory.yaml"
	if s.GPUs > 1 {
		return fmt.Sprintf("For LLaMA-Factory 0.9.5: FORCE_TORCHRUN=1 NPROC_PER_NODE=%d %s", s.GPUs, command)
	}
	return "For LLaMA-Factory 0.9.5: " + command
}

func (s Settings) factoryMethod(c *factoryConfig) error {
	m := s.Method
	if m.Kind != evidence.LoRA {
		return nil
	}
	list, pattern := s.targets()
	if pattern {
		return refuse("LLaMA-Factory", "name the modules in a list", "takes no regular expression for target modules (%s)", m.Targets)
	}
	c.Finetuning, c.LoRARank, c.LoRAAlpha, c.Dropout, c.LoRAPlus = "lora", m.Rank, int(m.Alpha), asNumber(m.Dropout), number(m.RateRatioBA)
	c.RSLoRA, c.DoRA = m.Variant == evidence.RsLoRA, m.Variant == evidence.DoRA
	c.Target, c.Whole = strings.Join(list, ","), strings.Join(s.whole(), ",")
	if m.Targets == evidence.AllLinear {
		c.Target = "all"
	}
	return nil
}

// factoryEntry is the data's entry in dataset_info.json.
type factoryEntry struct {
	FileName   string            `json:"file_name"`
	Formatting string            `json:"formatting"`
	Columns    map[string]string `json:"columns"`
	Tags       map[string]string `json:"tags,omitempty"`
}

func (s Settings) factoryInfo() (File, error) {
	d := s.Data
	path, err := filepath.Abs(d.Path)
	if err != nil {
		return File{}, fmt.Errorf("recipe: %w", err)
	}
	switch ext := strings.TrimPrefix(filepath.Ext(path), "."); ext {
	case "jsonl", "json", "csv", "parquet", "txt":
	default:
		return File{}, refuse(d.Path, "convert it to .jsonl", "ends in %q, which LLaMA-Factory does not read", ext)
	}
	e := factoryEntry{FileName: path, Formatting: "alpaca", Columns: map[string]string{}}
	switch d.Shape {
	case "text":
		e.Columns["prompt"] = d.field("text")
	case "classification":
		e.Columns["prompt"], e.Columns["response"] = d.field("text"), d.field("label")
	case "prompt-completion":
		e.Columns["prompt"], e.Columns["response"] = d.field("prompt"), d.field("completion")
	case "alpaca":
		e.Columns["prompt"], e.Columns["query"], e.Columns["response"] = d.field("prompt"), d.field("input"), d.field("completion")
	case "messages", "sharegpt":
		e.Formatting, e.Columns["messages"] = "sharegpt", d.field("messages")
	default:
		return File{}, refuse(d.Path, "name its shape", "is of the shape %q, which LLaMA-Factory does not read", d.Shape)
	}
	if d.Shape == "messages" {
		e.Tags = map[string]string{"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant", "system_tag": "system"}
	}
	if _, ok := d.Fields["system"]; ok {
		e.Columns["system"] = d.field("system")
	}
	text, err := json.MarshalIndent(map[string]factoryEntry{factoryData: e}, "", "  ")
	return File{"dataset_info.json", append(text, '\n')}, err
}
