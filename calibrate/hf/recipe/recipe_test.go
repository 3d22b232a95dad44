package recipe

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"ftadvise/calibrate/evidence"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func settings() Settings {
	return Settings{
		Model: "org/base", Revision: "main", Data: Data{Path: "/data/train.jsonl", Format: "jsonl", Shape: "prompt-completion"},
		Method:       evidence.Method{Kind: evidence.LoRA, Rank: 16, Alpha: 32, Dropout: 0.05, Targets: evidence.AllLinear},
		LearningRate: 2e-4, Schedule: evidence.Schedule{Shape: evidence.Linear, WarmupSteps: 20, DecayStart: 850, TotalSteps: 1000},
		Steps: 1000, MicroBatch: 4, Accumulation: 4, SeqLength: 1024, EvalShare: 0.05,
		Optimizer: evidence.Optimizer{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.01, ClipNorm: 1},
		Precision: "bf16", Seed: 7, GPUs: 2, Output: "/out", Comment: "Settings of lora(r=16)\nfrom a test.",
	}
}

func full() Settings {
	s := settings()
	s.Method = evidence.Method{Kind: evidence.Full}
	s.LearningRate, s.GPUs, s.Precision = 2e-5, 8, "bf16-pure"
	s.Data.Shape = "text"
	return s
}

func must(t *testing.T, tool Tool, s Settings) []File {
	t.Helper()
	files, err := Files(tool, s)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestGoldenRecipes(t *testing.T) {
	for _, tool := range Tools() {
		for name, s := range map[string]Settings{"lora": settings(), "full": full()} {
			for _, file := range must(t, tool, s) {
				golden := filepath.Join("testdata", name+"-"+string(tool)+"-"+file.Name)
				if *update {
					if err := os.WriteFile(golden, file.Content, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), string(file.Content)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", golden, diff)
				}
			}
		}
	}
}

// No key is one that the tool does not know; testdata/options.py lists those.
func TestOptionsExist(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "options.json"))
	var known map[string][]string
	if err == nil {
		err = json.Unmarshal(text, &known)
	}
	if err != nil {
		t.Fatal(err)
	}
	lora := settings()
	lora.Method.Variant, lora.Method.Targets, lora.Method.ModulesToSave, lora.Checkpointing = "dora", "q_proj,v_proj", "embed_tokens,lm_head", true
	checked := 0
	for _, tool := range Tools() {
		for _, s := range []Settings{settings(), full(), lora} {
			for _, file := range must(t, tool, s) {
				options := known[string(tool)]
				if strings.HasPrefix(file.Name, "accelerate") {
					options = known["accelerate"]
				}
				if strings.HasSuffix(file.Name, ".json") {
					continue
				}
				for key := range readYAML(t, file) {
					checked++
					if !slices.Contains(options, key) {
						t.Errorf("%s: %s does not know %q", file.Name, tool, key)
					}
				}
			}
		}
	}
	if checked < 100 {
		t.Errorf("%d keys checked", checked)
	}
}

// What beside plain LoRA a method has, each tool is told in its own words.
func TestVariantsAreTold(t *testing.T) {
	s := settings()
	s.Method.Variant, s.Method.ModulesToSave = "dora", "embed_tokens,lm_head"
	list := []any{"embed_tokens", "lm_head"}
	for tool, want := range map[Tool]map[string]any{
		TRL:          {"use_dora": true, "lora_modules_to_save": list},
		LLaMAFactory: {"use_dora": true, "additional_target": "embed_tokens,lm_head", "loraplus_lr_ratio": 16.0},
		Axolotl:      {"peft_use_dora": true, "lora_modules_to_save": list, "loraplus_lr_ratio": 16.0},
	} {
		s := s
		if tool != TRL {
			s.Method.RateRatioBA = 16
		}
		got := readYAML(t, must(t, tool, s)[0])
		for key, value := range want {
			if diff := cmp.Diff(value, got[key]); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", tool, key, diff)
			}
		}
	}
}

// Readers of YAML 1.1 take a number with an exponent and no point for text.
func TestNumbersHaveAPoint(t *testing.T) {
	for v, want := range map[number]string{2e-5: "2.0e-05", 1: "1.0", 0.25: "0.25", 1.5e-9: "1.5e-09", 1e30: "1.0e+30", 0: "0.0"} {
		if text, err := yaml.Marshal(v); err != nil || strings.TrimSpace(string(text)) != want {
			t.Errorf("%g is written %q, %v", float64(v), text, err)
		}
	}
}

func readYAML(t *testing.T, file File) map[string]any {
	t.Helper()
	fields := map[string]any{}
	if err := yaml.Unmarshal(file.Content, &fields); err != nil {
		t.Fatalf("%s: %v", file.Name, err)
	}
	return fields
}

// However many GPUs share it, a step has the same rows.
func TestEffectiveBatchStays(t *testing.T) {
	for gpus, want := range map[int][2]int{1: {4, 4}, 2: {4, 2}, 4: {4, 1}, 8: {2, 1}, 16: {1, 1}} {
		s := settings()
		s.GPUs = gpus
		micro, accumulation, err := s.shared()
		if err != nil || [2]int{micro, accumulation} != want || micro*accumulation*gpus != 16 {
			t.Errorf("%d GPUs: %d x %d, %v", gpus, micro, accumulation, err)
		}
	}
}

func TestShapes(t *testing.T) {
	for _, shape := range []string{"text", "prompt-completion", "messages", "sharegpt", "alpaca", "classification"} {
		for _, tool := range Tools() {
			s := settings()
			s.Data.Shape = shape
			_, err := Files(tool, s)
			if foreign := tool == TRL && (shape == "alpaca" || shape == "classification"); foreign != (err != nil) {
				t.Errorf("%s, %s: %v", tool, shape, err)
			}
		}
	}
	s := settings()
	s.Data.Shape = "sharegpt"
	info := must(t, LLaMAFactory, s)[1]
	if !bytes.Contains(info.Content, []byte(`"messages": "conversations"`)) {
		t.Errorf("%s", info.Content)
	}
}

func TestRefusals(t *testing.T) {
	for name, bad := range map[string]struct {
		tool   Tool
		change func(*Settings)
		want   string
	}{
		"tool":         {"torchtune", func(*Settings) {}, "torchtune: no such tool; known are"},
		"steps":        {TRL, func(s *Settings) { s.Steps = 0 }, "must be at least 1"},
		"rate":         {TRL, func(s *Settings) { s.LearningRate = 0 }, "0 is no learning rate"},
		"alpha":        {TRL, func(s *Settings) { s.Method.Alpha = 1.5 }, "the tools take whole numbers alone"},
		"share":        {TRL, func(s *Settings) { s.EvalShare = 1 }, "1 is no share of the records"},
		"zstd":         {TRL, func(s *Settings) { s.Data.Path = "x.jsonl.zst" }, "is packed with zstd"},
		"gpus":         {Axolotl, func(s *Settings) { s.GPUs = 3 }, "16 rows a step cannot be shared equally by 3 GPUs; take a divisor of 16"},
		"lora-plus":    {TRL, func(s *Settings) { s.Method.RateRatioBA = 16 }, "has no option for LoRA+"},
		"pattern":      {LLaMAFactory, func(s *Settings) { s.Method.Targets = ".*q_proj" }, "takes no regular expression"},
		"tsv":          {TRL, func(s *Settings) { s.Data.Format = "tsv" }, "is tsv, which TRL does not read"},
		"tsv-axolotl":  {Axolotl, func(s *Settings) { s.Data.Format = "tsv" }, "is tsv, which Axolotl does not read"},
		"gz-factory":   {LLaMAFactory, func(s *Settings) { s.Data.Path = "x.jsonl.gz" }, `ends in "gz"`},
		"field":        {TRL, func(s *Settings) { s.Data.Fields = map[string]string{"prompt": "question"} }, `calls "question" what TRL wants to be called "prompt"`},
		"shape":        {Axolotl, func(s *Settings) { s.Data.Shape = "" }, `is of the shape "", which Axolotl does not read`},
		"shape-of-trl": {TRL, func(s *Settings) { s.Data.Shape = "alpaca" }, "rename its fields to prompt and completion"},
	} {
		s := settings()
		bad.change(&s)
		_, err := Files(bad.tool, s)
		var refused *InputError
		if !errors.As(err, &refused) || !strings.Contains(err.Error()+"; "+refused.Hint(), bad.want) || refused.Hint() == "" {
			t.Errorf("%s: %v, wanted %q", name, err, bad.want)
		}
	}
}

func TestFromRun(t *testing.T) {
	m := evidence.Method{Kind: evidence.LoRA, Rank: 8, Alpha: 16, Targets: evidence.AllLinear}
	run := &evidence.Run{
		ID: "r1",
		Setup: evidence.Setup{Model: evidence.Model{Name: "org/base@v1"}, HorizonSteps: 200, MicroBatch: 4, Accumulation: 2, SeqLength: 128,
			Precision: "fp32", Optimizer: evidence.Optimizer{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}},
		Data:   evidence.Data{Format: "text", Shape: "text", Tokens: 90_000, EvalTokens: 10_000},
		Trials: []evidence.TrialResult{{Trial: evidence.Trial{Method: m, Schedule: evidence.Schedule{WarmupSteps: 5}}}},
	}
	s := FromRun(run, m, 1e-3, "data.txt", "out")
	if s.Schedule != (evidence.Schedule{Shape: evidence.Linear, WarmupSteps: 5, DecayStart: 170, TotalSteps: 200}) || s.EvalShare != 0.1 || s.Model != "org/base" || s.Revision != "v1" {
		t.Errorf("%+v", s)
	}
	for _, tool := range Tools() {
		for _, file := range must(t, tool, s) {
			if strings.HasSuffix(file.Name, ".yaml") && !strings.HasPrefix(file.Name, "accelerate") && !bytes.Contains(file.Content, []byte("# Settings of lora(r=8) from calibration r1 of ftadvise.\n")) {
				t.Errorf("%s", file.Content)
			}
		}
	}
}

// LoRA on what PEFT adapts by default is said by name: LLaMA-Factory's default is another.
func TestDefaultTargetsAreNamed(t *testing.T) {
	m := evidence.Method{Kind: evidence.LoRA, Rank: 8, Alpha: 16}
	run := &evidence.Run{Setup: evidence.Setup{Model: evidence.Model{Name: "base", Architecture: "llama"}, HorizonSteps: 200, MicroBatch: 4, Accumulation: 2, SeqLength: 128, Precision: "fp32"},
		Data: evidence.Data{Format: "text", Shape: "text"}}
	for _, tool := range Tools() {
		text := string(must(t, tool, FromRun(run, m, 1e-3, "data.txt", "out"))[0].Content)
		if !strings.Contains(text, "q_proj") || !strings.Contains(text, "v_proj") {
			t.Errorf("%s does not name the target modules:\n%s", tool, text)
		}
	}
	run.Setup.Model.Architecture = "mamba"
	if _, err := Files(TRL, FromRun(run, m, 1e-3, "data.txt", "out")); !errors.As(err, new(*InputError)) {
		t.Errorf("targets that nobody knows: %v", err)
	}
}

func TestSchedules(t *testing.T) {
	for want, schedule := range map[string]evidence.Schedule{
		"constant_with_warmup": {Shape: evidence.Constant, WarmupSteps: 3},
		"linear":               {Shape: evidence.Linear, WarmupSteps: 3},
		"cosine":               {Shape: evidence.Cosine, TotalSteps: 1000},
		"warmup_stable_decay decay_type:cosine num_decay_steps": {Shape: evidence.Cosine, DecayStart: 900, TotalSteps: 1000},
	} {
		s := settings()
		s.Schedule = schedule
		name, more := s.scheduler()
		if got := fmt.Sprint(name, " ", more); !strings.HasPrefix(strings.NewReplacer("map[", "", "]", "").Replace(got), want) {
			t.Errorf("%q, wanted %q", got, want)
		}
	}
}
