package hf

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/safetensors"
)

// reference is what transformers and peft say of a model; testdata/reference.py made it.
type reference struct {
	Name           string
	Config         json.RawMessage
	Params         int64
	Modules        [][5]any            // name, in, out, bias, Conv1D
	Tensors        [][2]any            // name, shape
	AttentionScale *float64            `json:"attention_scale"`
	Sliding        []bool              // one a layer, or empty
	Frequencies    map[string][2]any   // by kind of layer or sequence length
	LoRA           []referenceSettings `json:"lora"`
}

type referenceSettings struct {
	R             int
	TargetModules any             `json:"target_modules"`
	DoRA          bool            `json:"use_dora"`
	RSLoRA        bool            `json:"use_rslora"`
	Whole         []string        `json:"modules_to_save"`
	WarnsOfTies   bool            `json:"warns_of_ties"`
	AdapterConfig json.RawMessage `json:"adapter_config"`
	Trainable     int64
	Total         int64
	Tensors       [][2]any // but of further layers
}

func references(t *testing.T) []reference {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "reference.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []reference }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Cases
}

func (r reference) config(t *testing.T) Config {
	t.Helper()
	c, err := parseConfig(r.Config, r.Name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// method turns peft's settings into ours.
func (s referenceSettings) method() evidence.Method {
	m := evidence.Method{Kind: evidence.LoRA, Rank: s.R, Alpha: 8, ModulesToSave: strings.Join(s.Whole, ",")}
	switch targets := s.TargetModules.(type) {
	case string:
		m.Targets = targets
	case []any:
		var names []string
		for _, name := range targets {
			names = append(names, name.(string))
		}
		m.Targets = strings.Join(names, ",")
	}
	switch {
	case s.DoRA:
		m.Variant = evidence.DoRA
	case s.RSLoRA:
		m.Variant = evidence.RsLoRA
	}
	return m
}

func forEachReference(t *testing.T, check func(t *testing.T, r reference, c Config)) {
	t.Helper()
	for _, r := range references(t) {
		t.Run(r.Name, func(t *testing.T) { check(t, r, r.config(t)) })
	}
}

func TestParamsEqualTransformers(t *testing.T) {
	forEachReference(t, func(t *testing.T, r reference, c Config) {
		if got := c.Params(); got != r.Params {
			t.Errorf("Params = %d, transformers counts %d", got, r.Params)
		}
		var got []string
		for _, p := range c.Parameters() {
			got = append(got, spell(p.Name, p.Shape))
		}
		slices.Sort(got)
		if diff := cmp.Diff(spellAll(r.Tensors), got); diff != "" {
			t.Errorf("parameters (-transformers +ours):\n%s", diff)
		}
	})
}

func spell(name string, shape any) string {
	text, _ := json.Marshal(shape)
	return name + string(text)
}

func spellAll(tensors [][2]any) []string {
	var out []string
	for _, t := range tensors {
		out = append(out, spell(t[0].(string), t[1]))
	}
	slices.Sort(out)
	return out
}

func TestModulesEqualTransformers(t *testing.T) {
	forEachReference(t, func(t *testing.T, r reference, c Config) {
		var got [][5]any
		for _, m := range c.Modules() {
			got = append(got, [5]any{m.Name, float64(m.In), float64(m.Out), m.Bias, m.Conv1D})
		}
		if diff := cmp.Diff(r.Modules, got); diff != "" {
			t.Errorf("modules (-transformers +ours):\n%s", diff)
		}
	})
}

func TestTrainableParamsEqualPEFT(t *testing.T) {
	forEachReference(t, func(t *testing.T, r reference, c Config) {
		for _, s := range r.LoRA {
			got, err := c.TrainableParams(s.method())
			if err != nil || got != s.Trainable {
				t.Errorf("%s: %d, %v; peft counts %d", s.method(), got, err, s.Trainable)
			}
			if total := c.Params() + got; total != s.Total {
				t.Errorf("%s: %d in all, peft counts %d", s.method(), total, s.Total)
			}
			if warns := c.TiedWarning(s.method()) != ""; warns != s.WarnsOfTies {
				t.Errorf("%s: warns of ties %v, peft %v", s.method(), warns, s.WarnsOfTies)
			}
		}
	})
}

// An adapter has the names and shapes that peft gives it, in a folder that reads back.
func TestAdapterEqualsPEFT(t *testing.T) {
	forEachReference(t, func(t *testing.T, r reference, c Config) {
		for _, s := range r.LoRA {
			dir := t.TempDir()
			if err := SaveAdapter(dir, "base", s.method(), emptyAdapter(t, c, s.method())); err != nil {
				t.Fatal(err)
			}
			a, err := LoadAdapter(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			if err := a.Check(c); err != nil {
				t.Error(err)
			}
			var got []string
			for _, tensor := range a.file.Tensors() {
				if !furtherLayer.MatchString(tensor.Name) {
					got = append(got, spell(tensor.Name, tensor.Shape))
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(spellAll(s.Tensors), got); diff != "" {
				t.Errorf("%s (-peft +ours):\n%s", s.method(), diff)
			}
		}
	})
}

var furtherLayer = regexp.MustCompile(`\.(layers|h)\.[1-9]`)

// emptyAdapter makes an adapter's tensors, all zero.
func emptyAdapter(t *testing.T, c Config, m evidence.Method) []safetensors.Source {
	t.Helper()
	wanted, err := c.AdapterParameters(m)
	if err != nil {
		t.Fatal(err)
	}
	var out []safetensors.Source
	for _, p := range wanted {
		out = append(out, zeros(p))
	}
	return out
}

func zeros(p Parameter) safetensors.Source {
	return safetensors.Source{Name: p.Name, DType: "F32", Shape: p.Shape, Data: make([]byte, 4*p.Elements())}
}

func TestPositionsEqualTransformers(t *testing.T) {
	forEachReference(t, func(t *testing.T, r reference, c Config) {
		if r.AttentionScale != nil && math.Abs(*r.AttentionScale-c.AttentionScale) > 1e-9 {
			t.Errorf("AttentionScale = %g, transformers has %g", c.AttentionScale, *r.AttentionScale)
		}
		if len(r.Sliding) > 0 && !slices.Equal(r.Sliding, c.LayerSliding) {
			t.Errorf("LayerSliding = %v, transformers has %v", c.LayerSliding, r.Sliding)
		}
		for kind, want := range r.Frequencies {
			layer, seq := 0, c.MaxPositions
			switch kind {
			case "full_attention":
				layer = slices.Index(c.LayerSliding, false)
			case "1000":
				seq = 1000
			}
			steps, factor := c.Frequencies(layer, seq)
			checkFrequencies(t, kind, want, steps, factor)
		}
	})
}

func checkFrequencies(t *testing.T, kind string, want [2]any, steps []float64, factor float64) {
	t.Helper()
	if math.Abs(want[1].(float64)-factor) > 1e-9 {
		t.Errorf("%s: factor %g, transformers has %v", kind, factor, want[1])
	}
	list := want[0].([]any)
	if len(list) != len(steps) {
		t.Fatalf("%s: %d steps, transformers has %d", kind, len(steps), len(list))
	}
	for i, step := range steps {
		if w := list[i].(float64); math.Abs(w-step) > 2e-6*w { // transformers reckons in float32
			t.Errorf("%s: step %d is %g, transformers has %g", kind, i, step, w)
		}
	}
}

// Every family of the table is held against transformers, and a folder of it opens.
func TestEveryFamilyOpens(t *testing.T) {
	left := map[string]bool{}
	for _, f := range Families() {
		left[f.ModelType] = true
	}
	forEachReference(t, func(t *testing.T, r reference, c Config) {
		delete(left, c.ModelType)
		dir := writeModel(t, r.Config, weightsOf(c, ""))
		m, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if len(m.Names()) != len(c.Parameters()) || len(m.Warnings) != 0 {
			t.Errorf("%d names, warnings %v", len(m.Names()), m.Warnings)
		}
	})
	if len(left) > 0 {
		t.Errorf("no reference for %v", left)
	}
}

// weightsOf makes all weights of a model, zero, under names without strip.
func weightsOf(c Config, strip string) []safetensors.Source {
	var out []safetensors.Source
	for _, p := range c.Parameters() {
		s := zeros(p)
		s.Name = strings.TrimPrefix(s.Name, strip)
		out = append(out, s)
	}
	return out
}

func writeModel(t *testing.T, config []byte, weights []safetensors.Source) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ConfigFile), config, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := safetensors.Write(filepath.Join(dir, WeightsFile), weights, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}
