package hf

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/safetensors"
)

// What peft writes into adapter_config.json reads back as the method it was made by.
func TestPEFTConfigsRead(t *testing.T) {
	read := 0
	forEachReference(t, func(t *testing.T, r reference, _ Config) {
		for _, s := range r.LoRA {
			if string(s.AdapterConfig) == "null" {
				continue
			}
			read++
			a := &Adapter{folder: &folder{dir: "x"}}
			if err := a.readConfig(s.AdapterConfig); err != nil {
				t.Fatal(err)
			}
			want := s.method()
			if s.TargetModules == "all-linear" || s.TargetModules == nil {
				want.Targets = a.Method.Targets // peft writes the names that it found
			}
			if a.Method != want || a.Method.Targets == "" {
				t.Errorf("%+v, wanted %+v", a.Method, want)
			}
		}
	})
	if read < 10 {
		t.Errorf("%d configs read", read)
	}
}

func smallConfig(t *testing.T) Config {
	t.Helper()
	c, err := parseConfig(with(nil), ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func savedAdapter(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := SaveAdapter(dir, "org/base", plain, emptyAdapter(t, smallConfig(t), plain)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// plain is a LoRA method without anything special.
var plain = evidence.Method{Kind: evidence.LoRA, Rank: 2, Alpha: 4, Targets: evidence.AllLinear}

func TestBadAdapters(t *testing.T) {
	change := func(name string, value any) map[string]any { return map[string]any{name: value} }
	for name, bad := range map[string]struct {
		config map[string]any
		want   string
	}{
		"another-method":  {change("peft_type", "IA3"), `peft_type is "IA3"; only LoRA adapters can be read`},
		"rank-0":          {change("r", 0), "r is 0"},
		"rank-text":       {change("r", "8"), "is not readable"},
		"alpha-negative":  {change("lora_alpha", -1), "-1 is no LoRA alpha"},
		"bias":            {change("bias", "all"), `bias is "all", which is not supported`},
		"rank-pattern":    {change("rank_pattern", map[string]int{"q_proj": 4}), `rank_pattern is { "q_proj": 4 }, which is not supported`},
		"pissa":           {change("init_lora_weights", "pissa"), `init_lora_weights is "pissa", which changes the base weights`},
		"no-targets":      {change("target_modules", nil), "target_modules is neither a string nor a list"},
		"rslora-and-dora": {map[string]any{"use_rslora": true, "use_dora": true}, "asks for rank-stabilised LoRA and DoRA together"},
		"target-unknown":  {change("target_modules", []string{"c_attn"}), `"c_attn" is not found in the model; llama has q_proj`},
		"ties":            {change("ensure_weight_tying", true), "ensure_weight_tying is true, which is not supported"},
		"whole-missing":   {change("modules_to_save", []string{"lm_head"}), `tensor "lm_head.weight" has shape []`},
		"whole-layer":     {change("modules_to_save", []string{"mlp"}), `"mlp" is neither an embedding nor the head`},
		"magnitudes":      {change("use_dora", true), `lora_magnitude_vector" has shape [], the model wants [16]`},
		"rank-of-another": {change("r", 3), "has shape [2 16], the model wants [3 16]"},
		"fewer-targets":   {change("target_modules", []string{"q_proj"}), "for which the model has no target"},
	} {
		dir := savedAdapter(t)
		rewrite(t, filepath.Join(dir, adapterConfigFile), bad.config)
		a, err := LoadAdapter(dir)
		if err == nil {
			err = a.Check(smallConfig(t))
			a.Close()
		}
		checkRefused(t, name, err, bad.want)
	}
}

func rewrite(t *testing.T, path string, changes map[string]any) {
	t.Helper()
	text, err := os.ReadFile(path)
	var fields map[string]any
	if err == nil {
		err = json.Unmarshal(text, &fields)
	}
	maps.Copy(fields, changes)
	if err == nil {
		err = writeJSON(path, fields)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestPickledAdapter(t *testing.T) {
	dir := savedAdapter(t)
	if err := os.Rename(filepath.Join(dir, adapterWeightsFile), filepath.Join(dir, "adapter_model.bin")); err != nil {
		t.Fatal(err)
	}
	_, err := LoadAdapter(dir)
	checkRefused(t, "pickle", err, "adapter_model.bin: is a pickle, which is never opened")
}

// The card must not let a base model's name write Markdown of its own.
func TestAdapterCard(t *testing.T) {
	dir := t.TempDir()
	base := "evil`\n# heading\n---"
	if err := SaveAdapter(dir, base, plain, emptyAdapter(t, smallConfig(t), plain)); err != nil {
		t.Fatal(err)
	}
	card, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil || strings.Contains(string(card), "\n# heading") || !strings.Contains(string(card), "| rank | 2 |") {
		t.Errorf("%v:\n%s", err, card)
	}
}

// Modules trained whole stand in modules_to_save, as peft has them.
func TestAdapterWithWholeModules(t *testing.T) {
	c, m := smallConfig(t), plain
	m.ModulesToSave = "lm_head"
	dir := t.TempDir()
	if err := SaveAdapter(dir, "base", m, emptyAdapter(t, c, m)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, adapterConfigFile))
	var config adapterConfig
	if err != nil || json.Unmarshal(text, &config) != nil || !slices.Equal(config.ModulesToSave, []string{"lm_head"}) {
		t.Errorf("%v: %s", err, text)
	}
}

func TestSaveModelRefuses(t *testing.T) {
	f := soundFolder(t)
	checkRefused(t, "own folder", SaveModel(f.dir, f.dir, f.all), "is the base model's own folder, which is never written to")
	for name, all := range map[string][]safetensors.Source{
		"is  [], wanted":     f.all[1:],
		"is no parameter of": append(slices.Clone(f.all), zeros(Parameter{"extra", []int64{1}})),
	} {
		if err := SaveModel(t.TempDir(), f.dir, all); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, wanted %q", err, name)
		}
	}
}

// The saved folder opens again, with the tokenizer beside it and the tensors' dtype in
// config.json.
func TestSaveModel(t *testing.T) {
	f := soundFolder(t)
	f.text("tokenizer.json", "{}")
	for i, s := range f.all {
		f.all[i].DType, f.all[i].Data = "BF16", s.Data[:len(s.Data)/2]
	}
	dir := filepath.Join(t.TempDir(), "out")
	if err := SaveModel(dir, f.dir, f.all); err != nil {
		t.Fatal(err)
	}
	m, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Config.TorchDType != "bfloat16" || !m.folder.has("tokenizer.json") {
		t.Errorf("dtype %q, files %v", m.Config.TorchDType, m.folder.list())
	}
}

func TestBadMethods(t *testing.T) {
	c := smallConfig(t)
	for name, bad := range map[string]struct {
		change func(*evidence.Method)
		want   string
	}{
		"rank-0":         {func(m *evidence.Method) { m.Rank = 0 }, "rank: 0 is not a LoRA rank"},
		"rank-negative":  {func(m *evidence.Method) { m.Rank = -8 }, "-8 is not a LoRA rank"},
		"rank-too-large": {func(m *evidence.Method) { m.Rank = 9 }, "model.layers.0.self_attn.k_proj: rank 9 is larger than the layer, 8 by 16; take a rank of at most 8"},
		"targets":        {func(m *evidence.Method) { m.Targets = "c_attn" }, `"c_attn" is not found in the model; llama has q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, lm_head, or use all-linear`},
		"one-of-targets": {func(m *evidence.Method) { m.Targets = "q_proj, o_prj" }, `"o_prj" is not found`},
		"empty-target":   {func(m *evidence.Method) { m.Targets = "q_proj,," }, `"" is not found`},
		"pattern-empty":  {func(m *evidence.Method) { m.Targets = ".*c_attn" }, `".*c_attn" is not found`},
		"pattern-bad":    {func(m *evidence.Method) { m.Targets = "(" }, "is no regular expression"},
		"alpha-nan":      {func(m *evidence.Method) { m.Alpha = math.NaN() }, "NaN is no LoRA alpha"},
		"dropout":        {func(m *evidence.Method) { m.Dropout = 1 }, "1 is no dropout share"},
		"variant":        {func(m *evidence.Method) { m.Variant = "vera" }, `"vera" is not known; supported are rslora and dora`},
		"whole":          {func(m *evidence.Method) { m.ModulesToSave = "lm_head,norm" }, `modules_to_save: "norm" is neither an embedding nor the head, which alone are trained whole; llama has embed_tokens, lm_head`},
		"ratio":          {func(m *evidence.Method) { m.RateRatioBA = math.Inf(1) }, "is no ratio of learning rates"},
	} {
		m := plain
		bad.change(&m)
		_, err := c.TrainableParams(m)
		checkRefused(t, name, err, bad.want)
	}
}

func TestTargetsReadAsPEFTDoes(t *testing.T) {
	c := smallConfig(t)
	for targets, want := range map[string]int{
		evidence.AllLinear:                14,
		"":                                4, // q_proj and v_proj
		"q_proj":                          2,
		"self_attn.q_proj":                2,
		"model.layers.1.self_attn.q_proj": 1,
		"lm_head":                         1,
		`.*\.0\..*_proj`:                  7,
		`model\.layers\.[01]\.mlp\..*`:    6,
	} {
		m := plain
		m.Targets = targets
		if found, err := c.Targets(m); err != nil || len(found) != want {
			t.Errorf("%q: %d modules, %v; wanted %d", targets, len(found), err, want)
		}
	}
}
