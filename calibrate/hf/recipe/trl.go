package recipe

import (
	"path/filepath"

	"ftadvise/calibrate/evidence"
)

// trlConfig is what trl sft reads: ScriptArguments, SFTConfig and ModelConfig in one.
type trlConfig struct {
	ModelNameOrPath string   `yaml:"model_name_or_path"`
	ModelRevision   string   `yaml:"model_revision,omitempty"`
	DType           string   `yaml:"dtype"`
	Attention       string   `yaml:"attn_implementation,omitempty"`
	UsePEFT         bool     `yaml:"use_peft"`
	LoRAR           int      `yaml:"lora_r,omitempty"`
	LoRAAlpha       int      `yaml:"lora_alpha,omitempty"`
	LoRADropout     *number  `yaml:"lora_dropout,omitempty"`
	LoRATargets     []string `yaml:"lora_target_modules,omitempty"`
	LoRAWhole       []string `yaml:"lora_modules_to_save,omitempty"`
	UseRSLoRA       bool     `yaml:"use_rslora,omitempty"`
	UseDoRA         bool     `yaml:"use_dora,omitempty"`

	Datasets      []trlDataset `yaml:"datasets"`
	TestSplitSize number       `yaml:"test_split_size,omitempty"`
	TextField     string       `yaml:"dataset_text_field,omitempty"`

	MaxLength    int    `yaml:"max_length"`
	Packing      bool   `yaml:"packing"`
	EvalStrategy string `yaml:"eval_strategy"`
	EvalSteps    int    `yaml:"eval_steps,omitempty"`
	EvalBatch    int    `yaml:"per_device_eval_batch_size"`

	trainerArguments `yaml:",inline"`

	BF16 bool `yaml:"bf16"`
}

// trainerArguments are transformers' own, which TRL and LLaMA-Factory hand through.
type trainerArguments struct {
	OutputDir     string         `yaml:"output_dir"`
	LearningRate  number         `yaml:"learning_rate"`
	Scheduler     string         `yaml:"lr_scheduler_type"`
	SchedulerMore map[string]any `yaml:"lr_scheduler_kwargs,omitempty"`
	WarmupSteps   int            `yaml:"warmup_steps"`
	MaxSteps      int            `yaml:"max_steps"`
	TrainBatch    int            `yaml:"per_device_train_batch_size"`
	Accumulation  int            `yaml:"gradient_accumulation_steps"`
	Checkpointing bool           `yaml:"gradient_checkpointing"`
	Optim         string         `yaml:"optim"`
	Beta1         number         `yaml:"adam_beta1"`
	Beta2         number         `yaml:"adam_beta2"`
	Epsilon       number         `yaml:"adam_epsilon"`
	WeightDecay   number         `yaml:"weight_decay"`
	MaxGradNorm   number         `yaml:"max_grad_norm"`
	Seed          int64          `yaml:"seed"`
	LoggingSteps  int            `yaml:"logging_steps"`
	ReportTo      string         `yaml:"report_to"`
	SaveStrategy  string         `yaml:"save_strategy"`
}

type trlDataset struct {
	Path      string `yaml:"path"`
	DataFiles string `yaml:"data_files"`
	Split     string `yaml:"split"`
}

func (s Settings) trainer() (trainerArguments, error) {
	micro, accumulation, err := s.shared()
	name, more := s.scheduler()
	return trainerArguments{
		OutputDir: s.Output, LearningRate: number(s.LearningRate), Scheduler: name, SchedulerMore: more,
		WarmupSteps: s.Schedule.WarmupSteps, MaxSteps: s.Steps, TrainBatch: micro, Accumulation: accumulation,
		Checkpointing: s.Checkpointing, Optim: "adamw_torch", Beta1: number(s.Optimizer.Beta1), Beta2: number(s.Optimizer.Beta2),
		Epsilon: number(s.Optimizer.Epsilon), WeightDecay: number(s.Optimizer.WeightDecay), MaxGradNorm: number(s.Optimizer.ClipNorm),
		Seed: s.Seed, LoggingSteps: 1, ReportTo: "none", SaveStrategy: "no",
	}, err
}

func (s Settings) trl() ([]File, error) {
	trainer, err := s.trainer()
	if err != nil {
		return nil, err
	}
	c := trlConfig{
		ModelNameOrPath: s.Model, ModelRevision: s.Revision, DType: s.weightType(), Attention: s.attention(),
		MaxLength: s.SeqLength, Packing: true, EvalStrategy: "no", EvalBatch: s.MicroBatch,
		trainerArguments: trainer, BF16: s.mixed(),
	}
	if s.EvalShare > 0 {
		c.TestSplitSize, c.EvalStrategy, c.EvalSteps = number(s.EvalShare), "steps", s.evalEvery()
	}
	if err := s.trlMethod(&c); err != nil {
		return nil, err
	}
	if err := s.trlData(&c); err != nil {
		return nil, err
	}
	sft, err := encode("trl-sft.yaml", c, s.Comment, "For TRL 1.16: trl sft --config trl-sft.yaml --accelerate_config accelerate-fsdp2.yaml", s.packingNote())
	if err != nil {
		return nil, err
	}
	launch, err := encode("accelerate-fsdp2.yaml", s.accelerate(), "For accelerate 1.15: fully sharded data parallel, version 2. num_processes is the number of GPUs.")
	return []File{sft, launch}, err
}

func (s Settings) trlMethod(c *trlConfig) error {
	m := s.Method
	if m.Kind != evidence.LoRA {
		return nil
	}
	if m.RateRatioBA > 0 && m.RateRatioBA != 1 {
		return refuse("TRL", "take LLaMA-Factory or Axolotl", "has no option for LoRA+ (ratio %g)", m.RateRatioBA)
	}
	c.UsePEFT, c.LoRAR, c.LoRAAlpha, c.LoRADropout = true, m.Rank, int(m.Alpha), asNumber(m.Dropout)
	c.UseRSLoRA, c.UseDoRA = m.Variant == evidence.RsLoRA, m.Variant == evidence.DoRA
	c.LoRAWhole = s.whole()
	c.LoRATargets, _ = s.targets() // a single entry is taken as a string: all-linear or a pattern
	return nil
}

func (s Settings) trlData(c *trlConfig) error {
	d := s.Data
	builder := d.Format
	switch d.Format {
	case "jsonl", "json":
		builder = "json"
	case "csv", "parquet", "text":
	default:
		return refuse(d.Path, "convert it to JSONL", "is %s, which TRL does not read", d.Format)
	}
	wanted := map[string]string{}
	switch d.Shape {
	case "text":
		c.TextField = d.field("text")
	case "prompt-completion":
		wanted = map[string]string{"prompt": "prompt", "completion": "completion"}
	case "messages":
		wanted = map[string]string{"messages": "messages"}
	case "sharegpt":
		wanted = map[string]string{"messages": "conversations"}
	default:
		return refuse(d.Path, "rename its fields to prompt and completion, or take LLaMA-Factory or Axolotl", "is of the shape %s, which TRL does not read", d.Shape)
	}
	for role, name := range wanted {
		if d.field(role) != name {
			return refuse(d.Path, "rename it, or take LLaMA-Factory or Axolotl", "calls %q what TRL wants to be called %q", d.field(role), name)
		}
	}
	path, err := filepath.Abs(d.Path)
	c.Datasets = []trlDataset{{builder, path, "train"}}
	return err
}

// accelerateConfig is the file that accelerate launch reads.
type accelerateConfig struct {
	ComputeEnvironment string          `yaml:"compute_environment"`
	Distributed        string          `yaml:"distributed_type"`
	FSDP               accelerateFSDP2 `yaml:"fsdp_config"`
	MixedPrecision     string          `yaml:"mixed_precision"`
	NumMachines        int             `yaml:"num_machines"`
	MachineRank        int             `yaml:"machine_rank"`
	NumProcesses       int             `yaml:"num_processes"`
	UseCPU             bool            `yaml:"use_cpu"`
}

type accelerateFSDP2 struct {
	Version       int    `yaml:"fsdp_version"`
	Reshard       bool   `yaml:"fsdp_reshard_after_forward"`
	WrapPolicy    string `yaml:"fsdp_auto_wrap_policy"`
	Offload       bool   `yaml:"fsdp_offload_params"`
	RAMEfficient  bool   `yaml:"fsdp_cpu_ram_efficient_loading"`
	StateDict     string `yaml:"fsdp_state_dict_type"`
	Checkpointing bool   `yaml:"fsdp_activation_checkpointing"`
}

func (s Settings) accelerate() accelerateConfig {
	mixed := "no"
	if s.mixed() {
		mixed = "bf16"
	}
	return accelerateConfig{
		ComputeEnvironment: "LOCAL_MACHINE", Distributed: "FSDP", MixedPrecision: mixed, NumMachines: 1, NumProcesses: s.GPUs,
		FSDP: accelerateFSDP2{Version: 2, Reshard: true, WrapPolicy: "TRANSFORMER_BASED_WRAP", RAMEfficient: true, StateDict: "FULL_STATE_DICT"},
	}
}
