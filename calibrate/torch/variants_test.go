package torch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/hf/recipe"
	"ftadvise/calibrate/torch/decoder"
)

// variant is a way to use LoRA, by the flags that ask for it.
type variant struct {
	name, flags string
	change      func(*evidence.Method)
}

func documentedVariants() []variant {
	return []variant{
		{"LoRA", "", func(*evidence.Method) {}},
		{"rsLoRA", "--lora-variant rslora", func(m *evidence.Method) { m.Variant = evidence.RsLoRA }},
		{"DoRA", "--lora-variant dora", func(m *evidence.Method) { m.Variant = evidence.DoRA }},
		{"LoRA+", "--lora-plus-ratio 16", func(m *evidence.Method) { m.RateRatioBA = 16 }},
		{"dropout", "--lora-dropout 0.1", func(m *evidence.Method) { m.Dropout = 0.1 }},
		{"embedding and head trained whole", "--lora-modules-to-save embed_tokens,lm_head", func(m *evidence.Method) { m.ModulesToSave = "embed_tokens,lm_head" }},
		{"targets by suffix", "--lora-targets q_proj,mlp.down_proj", func(m *evidence.Method) { m.Targets = "mlp.down_proj,q_proj" }},
		{"targets by regular expression", "--lora-targets '.*_proj'", func(m *evidence.Method) { m.Targets = ".*_proj" }},
		{"the head as a target", "--lora-targets lm_head", func(m *evidence.Method) { m.Targets = "lm_head" }},
	}
}

// TestVariantsAreDocumented makes the table of docs/models.md by trying each variant.
func TestVariantsAreDocumented(t *testing.T) {
	e, dir := newEngine(t), writeModel(t, readGoldens(t).Models["llama"])
	table := "| what | flags | trained | arms of a search in one pass | read and written as PEFT's adapter | TRL | LLaMA-Factory | Axolotl |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n"
	for _, v := range documentedVariants() {
		method := evidence.Method{Kind: evidence.LoRA, Rank: 4, Alpha: 8, Targets: evidence.AllLinear}
		v.change(&method)
		trained := trains(t, e, dir, method)
		cells := []string{v.name, "", yes(trained), yes(trained && sideBySide(method)), yes(roundTrips(t, dir, method))}
		if v.flags != "" {
			cells[1] = "`" + v.flags + "`"
		}
		for _, tool := range recipe.Tools() {
			cells = append(cells, yes(toolTakes(tool, method)))
		}
		table += "| " + strings.Join(cells, " | ") + " |\n"
	}
	path := filepath.Join("..", "..", "docs", "models.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- variants: written by a test -->\n\n", "\n<!-- variants: end -->"
	before, rest, there := strings.Cut(string(page), begin)
	_, after, ends := strings.Cut(rest, end)
	if !there || !ends {
		t.Fatalf("%s has no place for the table", path)
	}
	if want := before + begin + table + end + after; *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(page) {
		t.Errorf("%s: the table of variants differs; go test -run Documented ./calibrate/torch -update\n%s", path, table)
	}
}

func yes(ok bool) string {
	if ok {
		return "yes"
	}
	return "no"
}

// trains reports whether the decoder takes the method.
func trains(t *testing.T, e *Engine, dir string, method evidence.Method) bool {
	t.Helper()
	return e.on(func() error {
		model, err := hf.OpenConfig(dir)
		if err != nil {
			return err
		}
		defer model.Close()
		fp32, err := decoder.ParsePrecision("fp32")
		if err != nil {
			return err
		}
		m, err := decoder.NewLoRA(model.Config, fp32, -1, parityLength, []decoder.Arm{{Method: method}})
		if err == nil {
			m.Close()
		}
		return err
	}) == nil
}

func sideBySide(method evidence.Method) bool {
	arm := calibrate.Segment{Trial: evidence.Trial{Stage: evidence.StageSearch, Method: method}, ToStep: 1}
	return len(bundles(calibrate.Group{Device: "cpu", MicroBatch: 1, Segments: []calibrate.Segment{arm, arm}}, 8)) == 1
}

// roundTrips saves an adapter of the method, of zeros, and reads it back. The ratio of
// learning rates is no part of it.
func roundTrips(t *testing.T, dir string, method evidence.Method) bool {
	t.Helper()
	model, err := hf.OpenConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	out := t.TempDir()
	if err := hf.SaveAdapter(out, dir, method, emptyAdapter(t, dir, method)); err != nil {
		return false
	}
	back, err := hf.LoadAdapter(out)
	if err != nil {
		return false
	}
	defer back.Close()
	want := method
	want.RateRatioBA = 0
	if want.Targets == evidence.AllLinear {
		want.Targets = back.Method.Targets
	}
	return back.Check(model.Config) == nil && back.Method == want
}

func toolTakes(tool recipe.Tool, method evidence.Method) bool {
	_, err := recipe.Files(tool, recipe.Settings{
		Model: "org/base", Data: recipe.Data{Path: "train.jsonl", Format: "jsonl", Shape: "text"}, Method: method, LearningRate: 1e-4,
		Steps: 10, MicroBatch: 1, Accumulation: 1, SeqLength: 8, Precision: "fp32", GPUs: 1, Output: "out",
	})
	return err == nil
}
