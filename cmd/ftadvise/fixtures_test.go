package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"ftadvise/advisor/advisortest"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/safetensors"
	"ftadvise/calibrate/store"
)

// writeFixtures puts a tiny model and data into a script's folder: model/ (a Llama of
// two layers with a byte-level tokenizer), data.txt and data.jsonl.
func writeFixtures(dir string) error {
	model := filepath.Join(dir, "model")
	if err := os.MkdirAll(model, 0o755); err != nil {
		return err
	}
	files := map[string]string{
		"model/config.json":    llamaConfig,
		"model/tokenizer.json": byteTokenizer(),
		"data.txt":             prose(400),
		"data.jsonl":           questions(400),
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	if err := writeRuns(dir); err != nil {
		return err
	}
	if err := writeReview(filepath.Join(dir, "review")); err != nil {
		return err
	}
	return writeWeights(model)
}

// writeRuns stores two finished runs, and one of them as a file of its own: win.json,
// in which LoRA is better, and lose.json, in which full is clearly better.
func writeRuns(dir string) error {
	win, lose := advisortest.New(), advisortest.New()
	win.Gap, win.GapSD = -0.05, 0.01
	lose.Gap, lose.GapSD = 0.3, 0.02
	s, err := store.Open(filepath.Join(dir, "stored"))
	if err != nil {
		return err
	}
	for name, c := range map[string]advisortest.Case{"win": win, "lose": lose} {
		run := c.Run()
		run.ID = name
		run.Data.Name, run.Data.Format, run.Data.Shape = "train.jsonl", "jsonl", "prompt-completion"
		data, err := evidence.Encode(run)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name+".json"), data, 0o644); err != nil {
			return err
		}
		folder, err := s.Create(run)
		if err != nil {
			return err
		}
		if err := folder.Close(); err != nil {
			return err
		}
	}
	return nil
}

// writeReview stores the situations of a design review, each as a run.json of its own.
func writeReview(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, c := range review() {
		data, err := evidence.Encode(c.Run())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name+".json"), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// review is a model of two billion parameters on an A100, where full takes six hours and
// LoRA one and a half.
func review() map[string]advisortest.Case {
	of := func(gap, sd, narrowness float64) advisortest.Case {
		c := advisortest.New()
		c.Gap, c.GapSD, c.Narrowness = gap, sd, narrowness
		return c
	}
	early := of(0, 0, 0.8) // equal at step 100, and nothing is known beyond
	early.Seen, early.NoForecast = 100, true
	refused := of(0, 0.03, 0.3)
	refused.FullStatus, refused.GPU, refused.GPUGiB = evidence.DoesNotFit, "NVIDIA L4", 24
	overfits := of(-0.02, 0.02, 0.3)
	overfits.BestStep, overfits.BestGain = 1200, 0.15
	return map[string]advisortest.Case{
		"overfits":       overfits,
		"internal-early": early,
		"internal":       of(0.06, 0.05, 0.8),
		"general":        of(0.001, 0.004, 0.2),
		"critical":       of(0.03, 0.015, 0.3),
		"refused":        refused,
		"measured":       of(0.08, 0.01, 0.3),
		"tenants":        of(0.02, 0.02, 0.3),
		"tenants-gap":    of(0.4, 0.05, 0.3),
	}
}

const llamaConfig = `{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 16,
 "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
 "vocab_size": 256, "max_position_embeddings": 128, "rms_norm_eps": 1e-05, "hidden_act": "silu",
 "tie_word_embeddings": true, "torch_dtype": "float32"}`

// byteTokenizer is byte-level BPE without merges: one token a byte.
func byteTokenizer() string {
	vocab := map[string]int{}
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		printable := b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE
		if !printable { // GPT-2's table moves the others behind Latin-1
			r, next = next, next+1
		}
		vocab[string(r)] = b
	}
	out, err := json.Marshal(map[string]any{
		"version": "1.0", "added_tokens": []any{}, "normalizer": nil,
		"pre_tokenizer":  map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
		"post_processor": nil,
		"decoder":        map[string]any{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
		"model":          map[string]any{"type": "BPE", "vocab": vocab, "merges": []string{}},
	})
	if err != nil {
		panic(err) // a literal of maps and strings always encodes
	}
	return string(out)
}

// writeWeights draws every parameter from a fixed sequence.
func writeWeights(dir string) error {
	model, err := hf.OpenConfig(dir)
	if err != nil {
		return err
	}
	defer model.Close()
	var tensors []safetensors.Source
	state := uint32(1)
	for _, p := range model.Config.Parameters() {
		data := make([]byte, 0, 4*p.Elements())
		for range p.Elements() {
			state = state*1664525 + 1013904223
			value := float32(state>>8)/(1<<24) - 0.5
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(value/8))
		}
		tensors = append(tensors, safetensors.Source{Name: p.Name, DType: "F32", Shape: p.Shape, Data: data})
	}
	return safetensors.Write(filepath.Join(dir, "model.safetensors"), tensors, map[string]string{"format": "pt"})
}

// prose is lines that differ, in words that recur.
func prose(lines int) string {
	subjects := []string{"the miller", "a sailor", "her sister", "the old clerk", "my neighbour"}
	verbs := []string{"mended", "carried", "forgot", "painted", "measured"}
	things := []string{"the wheel", "a letter", "two barrels", "the garden wall", "an iron gate"}
	var b strings.Builder
	for i := range lines {
		fmt.Fprintf(&b, "On day %d %s %s %s before the %d bells rang.\n", i, subjects[i%5], verbs[i/5%5], things[i/25%5], i%12+1)
	}
	return b.String()
}

// questions are prompts with completions.
func questions(rows int) string {
	var b strings.Builder
	for i := range rows {
		fmt.Fprintf(&b, `{"prompt": "What is %d plus %d?", "completion": "It is %d, as one sees by counting."}`+"\n", i, i+7, 2*i+7)
	}
	return b.String()
}
