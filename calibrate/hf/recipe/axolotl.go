package recipe

import (
	"fmt"
	"path/filepath"

	"ftadvise/calibrate/evidence"
)

// axolotlConfig is what axolotl train reads.
type axolotlConfig struct {
	BaseModel string `yaml:"base_model"`
	Revision  string `yaml:"revision_of_model,omitempty"`
	Attention string `yaml:"attn_implementation,omitempty"`

	Adapter       string   `yaml:"adapter,omitempty"`
	LoRAR         int      `yaml:"lora_r,omitempty"`
	LoRAAlpha     int      `yaml:"lora_alpha,omitempty"`
	LoRADropout   *number  `yaml:"lora_dropout,omitempty"`
	TargetLinear  bool     `yaml:"lora_target_linear,omitempty"`
	TargetModules any      `yaml:"lora_target_modules,omitempty"` // a list, or a regular expression
	Whole         []string `yaml:"lora_modules_to_save,omitempty"`
	RSLoRA        bool     `yaml:"peft_use_rslora,omitempty"`
	DoRA          bool     `yaml:"peft_use_dora,omitempty"`
	LoRAPlus      number   `yaml:"loraplus_lr_ratio,omitempty"`

	Datasets      []axolotlData `yaml:"datasets"`
	ValSetSize    number        `yaml:"val_set_size"`
	PreparedPath  string        `yaml:"dataset_prepared_path"`
	TrainOnInputs bool          `yaml:"train_on_inputs"`
	SequenceLen   int           `yaml:"sequence_len"`
	SamplePacking bool          `yaml:"sample_packing"`
	EvalPacking   bool          `yaml:"eval_sample_packing"`
	EvalSteps     int           `yaml:"eval_steps,omitempty"`

	MicroBatch    int            `yaml:"micro_batch_size"`
	Accumulation  int            `yaml:"gradient_accumulation_steps"`
	MaxSteps      int            `yaml:"max_steps"`
	Optimizer     string         `yaml:"optimizer"`
	LearningRate  number         `yaml:"learning_rate"`
	Scheduler     string         `yaml:"lr_scheduler"`
	SchedulerMore map[string]any `yaml:"lr_scheduler_kwargs,omitempty"`
	WarmupSteps   int            `yaml:"warmup_steps"`
	Beta1         number         `yaml:"adam_beta1"`
	Beta2         number         `yaml:"adam_beta2"`
	Epsilon       number         `yaml:"adam_epsilon"`
	WeightDecay   number         `yaml:"weight_decay"`
	MaxGradNorm   number         `yaml:"max_grad_norm"`

	BF16          bool         `yaml:"bf16"`
	BFloat16      bool         `yaml:"bfloat16,omitempty"` // the weights as well
	Checkpointing bool         `yaml:"gradient_checkpointing"`
	Seed          int64        `yaml:"seed"`
	LoggingSteps  int          `yaml:"logging_steps"`
	SaveStrategy  string       `yaml:"save_strategy"`
	OutputDir     string       `yaml:"output_dir"`
	FSDPVersion   int          `yaml:"fsdp_version,omitempty"`
	FSDP          *axolotlFSDP `yaml:"fsdp_config,omitempty"`
}

type axolotlData struct {
	Path     string            `yaml:"path"`
	DSType   string            `yaml:"ds_type"`
	Type     any               `yaml:"type"` // a name, or axolotlPrompt
	Field    string            `yaml:"field,omitempty"`
	Messages string            `yaml:"field_messages,omitempty"`
	Mappings map[string]string `yaml:"message_property_mappings,omitempty"`
}

// axolotlPrompt makes a prompt of one field, as it is.
type axolotlPrompt struct {
	Instruction string `yaml:"field_instruction"`
	Output      string `yaml:"field_output"`
	System      string `yaml:"field_system,omitempty"`
	Format      string `yaml:"format"`
	NoInput     string `yaml:"no_input_format"`
}

type axolotlFSDP struct {
	Reshard    bool   `yaml:"reshard_after_forward"`
	WrapPolicy string `yaml:"auto_wrap_policy"`
	RAM        bool   `yaml:"cpu_ram_efficient_loading"`
	Offload    bool   `yaml:"offload_params"`
	StateDict  string `yaml:"state_dict_type"`
}

func (s Settings) axolotl() ([]File, error) {
	micro, accumulation, err := s.shared()
	if err != nil {
		return nil, err
	}
	data, err := s.axolotlData()
	if err != nil {
		return nil, err
	}
	name, more := s.scheduler()
	c := axolotlConfig{
		BaseModel: s.Model, Revision: s.Revision, Attention: s.attention(), Datasets: []axolotlData{data}, PreparedPath: "prepared",
		SequenceLen: s.SeqLength, SamplePacking: true, MicroBatch: micro, Accumulation: accumulation, MaxSteps: s.Steps,
		Optimizer: "adamw_torch", LearningRate: number(s.LearningRate), Scheduler: name, SchedulerMore: more,
		WarmupSteps: s.Schedule.WarmupSteps, Beta1: number(s.Optimizer.Beta1), Beta2: number(s.Optimizer.Beta2), Epsilon: number(s.Optimizer.Epsilon),
		WeightDecay: number(s.Optimizer.WeightDecay), MaxGradNorm: number(s.Optimizer.ClipNorm),
		BF16: s.mixed(), BFloat16: s.weights(), Checkpointing: s.Checkpointing, Seed: s.Seed, LoggingSteps: 1,
		SaveStrategy: "no", OutputDir: s.Output,
	}
	if s.EvalShare > 0 {
		c.ValSetSize, c.EvalSteps = number(s.EvalShare), s.evalEvery()
	}
	if s.GPUs > 1 {
		c.FSDPVersion = 2
		c.FSDP = &axolotlFSDP{Reshard: true, WrapPolicy: "TRANSFORMER_BASED_WRAP", RAM: true, StateDict: "FULL_STATE_DICT"}
	}
	s.axolotlMethod(&c)
	command := "For Axolotl 0.19: axolotl train axolotl.yaml"
	if s.GPUs > 1 {
		command += fmt.Sprintf(" --launcher accelerate -- --num_processes %d", s.GPUs)
	}
	file, err := encode("axolotl.yaml", c, s.Comment, command, s.packingNote())
	return []File{file}, err
}

func (s Settings) axolotlMethod(c *axolotlConfig) {
	m := s.Method
	if m.Kind != evidence.LoRA {
		return
	}
	c.Adapter, c.LoRAR, c.LoRAAlpha, c.LoRADropout, c.LoRAPlus = "lora", m.Rank, int(m.Alpha), asNumber(m.Dropout), number(m.RateRatioBA)
	c.RSLoRA, c.DoRA, c.Whole = m.Variant == evidence.RsLoRA, m.Variant == evidence.DoRA, s.whole()
	switch list, pattern := s.targets(); {
	case m.Targets == evidence.AllLinear:
		c.TargetLinear = true
	case pattern:
		c.TargetModules = m.Targets
	default:
		c.TargetModules = list
	}
}

func (s Settings) axolotlData() (axolotlData, error) {
	d := s.Data
	path, err := filepath.Abs(d.Path)
	if err != nil {
		return axolotlData{}, fmt.Errorf("recipe: %w", err)
	}
	out := axolotlData{Path: path, DSType: d.Format}
	switch d.Format {
	case "jsonl":
		out.DSType = "json"
	case "json", "csv", "parquet", "text":
	default:
		return out, refuse(d.Path, "convert it to JSONL", "is %s, which Axolotl does not read", d.Format)
	}
	prompt := func(from, to string) axolotlPrompt {
		return axolotlPrompt{Instruction: d.field(from), Output: d.field(to), System: d.Fields["system"], Format: "{instruction}", NoInput: "{instruction}"}
	}
	switch d.Shape {
	case "text":
		out.Type, out.Field = "completion", d.field("text")
	case "prompt-completion":
		out.Type = prompt("prompt", "completion")
	case "classification":
		out.Type = prompt("text", "label")
	case "alpaca":
		out.Type = "alpaca"
	case "messages":
		out.Type, out.Messages = "chat_template", d.field("messages")
	case "sharegpt":
		out.Type, out.Messages, out.Mappings = "chat_template", d.field("messages"), map[string]string{"role": "from", "content": "value"}
	default:
		return out, refuse(d.Path, "name its shape", "is of the shape %q, which Axolotl does not read", d.Shape)
	}
	return out, nil
}
