package recipe

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/hf/hub"
	"ftadvise/calibrate/safetensors"
)

// InputError reports settings that a tool cannot be told.
type InputError = safetensors.InputError

func refuse(where, advice, format string, args ...any) error {
	return &InputError{Where: where, What: fmt.Sprintf(format, args...), Advice: advice}
}

// Settings is what to train and how.
type Settings struct {
	Model    string // folder or org/name
	Revision string // of org/name; empty is main
	Data     Data
	Method   evidence.Method

	LearningRate  float64
	Schedule      evidence.Schedule
	Steps         int     // optimizer steps
	MicroBatch    int     // rows a forward pass on one device
	Accumulation  int     // forward passes a step; MicroBatch x Accumulation rows a step in all
	SeqLength     int     // tokens a row
	EvalShare     float64 // of the records, held out; 0 holds out none
	Optimizer     evidence.Optimizer
	Precision     string // fp32, bf16, bf16-pure
	Checkpointing bool   // recompute activations
	Seed          int64
	GPUs          int    // that share a step's rows
	Output        string // folder for the result
	Comment       string // why these settings; goes to the head of each file
}

// Data is where the records are and what their fields mean.
type Data struct {
	Path   string            // file
	Format string            // jsonl, json, csv, parquet, text
	Shape  string            // text, prompt-completion, alpaca, messages, sharegpt, classification
	Fields map[string]string // role -> field, where they are not the shape's own
}

// field is the name of the field with a role.
func (d Data) field(role string) string {
	if name, ok := d.Fields[role]; ok {
		return name
	}
	switch {
	case d.Shape == "alpaca" && role == "prompt":
		return "instruction"
	case d.Shape == "alpaca" && role == "completion":
		return "output"
	case d.Shape == "sharegpt" && role == "messages":
		return "conversations"
	}
	return role
}

// Tool is a trainer.
type Tool string

// The tools, at the versions whose options the tests know.
const (
	TRL          Tool = "trl"           // 1.16.0, with accelerate 1.15.0
	LLaMAFactory Tool = "llama-factory" // 0.9.5
	Axolotl      Tool = "axolotl"       // 0.19.0
)

// Tools lists them.
func Tools() []Tool { return []Tool{TRL, LLaMAFactory, Axolotl} }

// File is one file of a recipe.
type File struct {
	Name    string
	Content []byte
}

// decayShare is the part of the steps in which the rate falls to zero. A calibration compares
// at constant rates: a decay hardly moves the gap (docs/decision-quality.md).
const decayShare = 0.15

// FromRun takes the settings of a method from a calibration: its batch, optimizer and
// steps, with a constant rate after the warm-up that falls to zero over the last 15 %. dataPath is where the data are now; output is a folder to be.
func FromRun(run *evidence.Run, m evidence.Method, rate float64, dataPath, output string) Settings {
	s := run.Setup
	steps := stepsOf(run, m)
	decay := max(1, int(math.Round(decayShare*float64(steps))))
	model, revision := s.Model.Name, s.Model.Revision
	if ref, err := hub.ParseRef(model, hub.Model); err == nil && strings.Contains(model, "@") {
		model, revision = ref.ID, ref.Revision
	}
	if m.Kind == evidence.LoRA && m.Targets == "" { // said in full: each tool has a default of its own
		m.Targets, _ = hf.DefaultTargets(s.Model.Architecture)
	}
	return Settings{
		Model: model, Revision: revision, Method: m, LearningRate: rate,
		Data:     Data{Path: dataPath, Format: run.Data.Format, Shape: run.Data.Shape},
		Schedule: evidence.Schedule{Shape: evidence.Linear, WarmupSteps: warmupOf(run, m), DecayStart: steps - decay, TotalSteps: steps},
		Steps:    steps, MicroBatch: s.MicroBatch, Accumulation: s.Accumulation, SeqLength: s.SeqLength, EvalShare: heldOut(run.Data),
		Optimizer: s.Optimizer, Precision: s.Precision, Seed: s.Seed, GPUs: 1, Output: output,
		Comment: fmt.Sprintf("Settings of %s from calibration %s of ftadvise.", m, run.ID),
	}
}

// stepsOf is the horizon, or where the forecast advises to stop before it.
func stepsOf(run *evidence.Run, m evidence.Method) int {
	horizon := max(1, run.Setup.HorizonSteps)
	steps, best := horizon, math.Inf(1)
	for _, f := range run.Forecasts {
		if f.Method == m && f.Stop != nil && f.BestLoss.Mean < best {
			steps, best = min(horizon, max(1, f.Stop.Step)), f.BestLoss.Mean
		}
	}
	return steps
}

// heldOut is the share of tokens that the calibration held out, which stands for the
// share of records, within what is usual.
func heldOut(d evidence.Data) float64 {
	if d.Tokens <= 0 {
		return 0.05
	}
	share := float64(d.EvalTokens) / float64(d.Tokens+d.EvalTokens)
	return math.Round(100*min(0.2, max(0.01, share))) / 100
}

// warmupOf is the longest warm-up that the method was tried with.
func warmupOf(run *evidence.Run, m evidence.Method) int {
	steps := 0
	for _, t := range run.Trials {
		if t.Method == m {
			steps = max(steps, t.Schedule.WarmupSteps)
		}
	}
	return steps
}

// Files writes the recipe for a tool.
func Files(tool Tool, s Settings) ([]File, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	switch tool {
	case TRL:
		return s.trl()
	case LLaMAFactory:
		return s.llamaFactory()
	case Axolotl:
		return s.axolotl()
	}
	return nil, refuse(string(tool), fmt.Sprintf("known are %v", Tools()), "no such tool")
}

// check refuses what none of the tools could do.
func (s Settings) check() error {
	switch {
	case s.Steps < 1 || s.MicroBatch < 1 || s.Accumulation < 1 || s.SeqLength < 1 || s.GPUs < 1:
		return refuse("recipe", "calibrate first", "steps, batch, row length and GPUs must be at least 1")
	case !(s.LearningRate > 0) || math.IsInf(s.LearningRate, 0):
		return refuse("learning rate", "take that of a trial", "%g is no learning rate", s.LearningRate)
	case s.Method.Kind == evidence.LoRA && (s.Method.Rank < 1 || s.Method.Alpha != math.Trunc(s.Method.Alpha)):
		return refuse("alpha", "calibrate with a whole alpha", "rank %d with alpha %g: the tools take whole numbers alone", s.Method.Rank, s.Method.Alpha)
	case s.Method.Kind == evidence.LoRA && s.Method.Targets == "":
		return refuse("target modules", "calibrate with --lora-targets", "are not known, and each tool takes others where none are named")
	case !(s.EvalShare >= 0 && s.EvalShare < 1):
		return refuse("held-out share", "take 0.05", "%g is no share of the records", s.EvalShare)
	case strings.HasSuffix(s.Data.Path, ".zst"):
		return refuse(s.Data.Path, "unpack it first", "is packed with zstd, which the tools do not read")
	}
	return nil
}

// shared divides a step's rows among the GPUs so that the effective batch size stays:
// rows a pass on each, and passes.
func (s Settings) shared() (micro, accumulation int, err error) {
	rows := s.MicroBatch * s.Accumulation
	for micro = s.MicroBatch; micro > 0; micro-- {
		if rows%(micro*s.GPUs) == 0 {
			return micro, rows / (micro * s.GPUs), nil
		}
	}
	return 0, 0, refuse("GPUs", fmt.Sprintf("take a divisor of %d", rows), "%d rows a step cannot be shared equally by %d GPUs", rows, s.GPUs)
}

// scheduler is the schedule in transformers' words.
func (s Settings) scheduler() (name string, extra map[string]any) {
	decay := s.Schedule
	switch {
	case decay.Shape == evidence.Constant || decay.Shape == "":
		return "constant_with_warmup", nil
	case decay.DecayStart > decay.WarmupSteps:
		return "warmup_stable_decay", map[string]any{"num_decay_steps": s.Steps - decay.DecayStart, "decay_type": string(decay.Shape)}
	}
	return string(decay.Shape), nil
}

// mixed reports whether the products run in bf16, and weights whether they are kept so.
func (s Settings) mixed() bool   { return s.Precision != "fp32" }
func (s Settings) weights() bool { return s.Precision == "bf16-pure" }

func (s Settings) weightType() string {
	if s.weights() {
		return "bfloat16"
	}
	return "float32"
}

// attention is the implementation that keeps the records of a packed row apart, as the
// calibration did. It needs the package flash-attn and half precision.
func (s Settings) attention() string {
	if s.mixed() && s.Data.Shape != "text" {
		return "flash_attention_2"
	}
	return ""
}

func (s Settings) packingNote() string {
	if s.attention() == "" {
		return ""
	}
	return "Rows are packed as in the calibration; the package flash-attn keeps the records in a row apart."
}

// evalEvery is how many steps lie between two evaluations: twenty in all.
func (s Settings) evalEvery() int { return max(1, s.Steps/20) }

// targets is the list of target modules; pattern tells that it is a regular expression.
func (s Settings) targets() (list []string, pattern bool) {
	t := s.Method.Targets
	if strings.ContainsAny(t, `\^$*+?()[]{}|`) {
		return []string{t}, true
	}
	return strings.Split(strings.ReplaceAll(t, " ", ""), ","), false
}

// whole lists the modules that are trained whole beside the adapters.
func (s Settings) whole() []string {
	if s.Method.ModulesToSave == "" {
		return nil
	}
	return strings.Split(s.Method.ModulesToSave, ",")
}

// number is a float64 with a point in it: without one, readers of YAML 1.1, which the
// tools are, take 2e-05 for text.
type number float64

// MarshalYAML implements yaml.Marshaler.
func (n number) MarshalYAML() (any, error) {
	text := strconv.FormatFloat(float64(n), 'g', -1, 64)
	if digits, power, ok := strings.Cut(text, "e"); ok && !strings.Contains(digits, ".") {
		text = digits + ".0e" + power
	} else if !ok && !strings.Contains(text, ".") {
		text += ".0"
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!float", Value: text}, nil
}

func asNumber(v float64) *number {
	n := number(v)
	return &n
}

// encode writes YAML below a head of comments.
func encode(name string, value any, head ...string) (File, error) {
	var out bytes.Buffer
	for _, text := range head {
		if text = strings.Join(strings.Fields(text), " "); text != "" {
			fmt.Fprintf(&out, "# %s\n", text)
		}
	}
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(value); err != nil {
		return File{}, fmt.Errorf("recipe %s: %w", name, err)
	}
	return File{name, out.Bytes()}, nil
}
