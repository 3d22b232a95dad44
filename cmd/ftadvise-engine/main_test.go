package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ftadvise/calibrate/embedded"
	"ftadvise/calibrate/torch"
	"ftadvise/cmd/internal/cli"
)

// asEngine makes the test's own binary the engine that ftadvise starts.
const asEngine = "TEST_AS_ENGINE"

func TestMain(m *testing.M) {
	if os.Getenv(asEngine) != "" {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// ftadvise runs the command with the real engine and a store of the test's own.
func ftadvise(t *testing.T, store string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	environ := append(os.Environ(), asEngine+"=1", "XDG_CACHE_HOME="+t.TempDir())
	args = append(args, "--store", store, "--engine", os.Args[0])
	code = cli.Main(args, environ, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

func extracted(t *testing.T) embedded.Paths {
	t.Helper()
	paths, err := embedded.Extract(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// TestEssay runs the fixed comparison on a four-layer GPT-2 with random weights.
func TestEssay(t *testing.T) {
	paths := extracted(t)
	model := t.TempDir()
	tokenizer, err := os.ReadFile(filepath.Join(paths.Base, "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	config := `{"model_type":"gpt2","n_embd":64,"n_layer":4,"n_head":4,"n_positions":128,"vocab_size":1536,"bos_token_id":0,"eos_token_id":0}`
	for name, data := range map[string]string{"config.json": config, "tokenizer.json": string(tokenizer)} {
		if err := os.WriteFile(filepath.Join(model, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	store := t.TempDir()
	code, out, errs := ftadvise(t, store, "calibrate", "--preset", "essay", "--model", model, "--random-weights", "--data", paths.Near,
		"--profile", filepath.Join(store, "trace.json"))
	if code != 0 {
		t.Fatalf("exit %d\n%s", code, errs)
	}
	// r (in + out) of c_attn in four layers: 8 (64 + 192) 4.
	for _, want := range []string{"lora(r=8,c_attn)", "8192", "full over LoRA: time", "peak memory"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if !strings.Contains(errs, "do not decide") || !strings.Contains(errs, "weights are random") {
		t.Errorf("no warning in\n%s", errs)
	}
	checkProfile(t, filepath.Join(store, "trace.json"), errs)
	code, out, _ = ftadvise(t, store, "recommend", "--run", "latest", "--exit-code")
	if code != 4 || strings.Contains(out, "Use full") || strings.Contains(out, "Use lora") {
		t.Errorf("random weights were advised on: exit %d\n%s", code, out)
	}
}

// checkProfile asks for both methods' steps in one trace, and for the table.
func checkProfile(t *testing.T, path, errs string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var trace struct {
		TraceEvents []struct {
			Phase string `json:"ph"`
			PID   int
			Args  map[string]any
		}
	}
	if err := json.Unmarshal(data, &trace); err != nil {
		t.Fatal(err)
	}
	named, spans := map[any]bool{}, map[int]int{}
	for _, e := range trace.TraceEvents {
		switch e.Phase {
		case "M":
			named[e.Args["name"]] = true
		case "X":
			spans[e.PID]++
		}
	}
	if !named["profile-full"] || !named["profile-lora-r8"] || spans[1] < 50 || spans[2] < 50 {
		t.Errorf("traced %v, spans %v", named, spans)
	}
	for _, want := range []string{"operation ", "ms a step", "peak MiB", "attention backward", "open it at ui.perfetto.dev"} {
		if !strings.Contains(errs, want) {
			t.Errorf("no %q in\n%s", want, errs)
		}
	}
}

// TestRecommend does the whole job in a few seconds, then again from the store.
func TestRecommend(t *testing.T) {
	paths, store := extracted(t), t.TempDir()
	args := []string{"recommend", "--model", paths.Base, "--data", paths.Far, "--seq-length", "32", "--batch", "4", "--eval-rows", "16", "--lora-spares=false", "--output", "json"}
	code, out, errs := ftadvise(t, store, append(args, "--budget", "8s")...)
	if code != 0 {
		t.Fatalf("exit %d\n%s", code, errs)
	}
	var first struct {
		Run     string
		Verdict struct{ Answer string }
		Options []struct {
			Name  string
			Steps float64 `json:"step_seconds"`
			Peak  float64 `json:"peak_allocated_bytes"`
		}
	}
	if err := json.Unmarshal([]byte(out), &first); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if first.Verdict.Answer == "" || len(first.Options) != 2 || first.Options[0].Steps <= 0 || first.Options[0].Peak <= 0 {
		t.Errorf("got %+v", first)
	}
	code, again, errs := ftadvise(t, store, append(args, "--budget", "8s")...)
	if code != 0 || !strings.Contains(again, first.Run) {
		t.Errorf("a second call calibrated anew: exit %d\n%s", code, errs)
	}
}

// TestKilledEngine kills the engine in the midst of training and goes on with the run.
func TestKilledEngine(t *testing.T) {
	paths, store := extracted(t), t.TempDir()
	done := make(chan struct{})
	go func() {
		defer close(done)
		killChildOnce(store)
	}()
	code, _, errs := ftadvise(t, store, "calibrate", "--model", paths.Base, "--data", paths.Far, "--seq-length", "32", "--batch", "4", "--eval-rows", "16", "--budget", "10s")
	<-done
	if code != 7 || !strings.Contains(errs, "killed") || !strings.Contains(errs, "--resume") {
		t.Fatalf("exit %d\n%s", code, errs)
	}
	if code, _, errs := ftadvise(t, store, "calibrate", "--resume", "latest"); code != 0 {
		t.Fatalf("resume: exit %d\n%s", code, errs)
	}
}

// killChildOnce waits until a run's events show steps and kills this process's child.
func killChildOnce(store string) {
	deadline := time.Now().Add(time.Minute)
	for ; time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		events, err := filepath.Glob(filepath.Join(store, "*", "*", "events.jsonl"))
		if err != nil || len(events) == 0 {
			continue
		}
		data, err := os.ReadFile(events[0])
		if err != nil || !bytes.Contains(data, []byte(`"trial":"full-`)) {
			continue
		}
		if killed := killChildren(); killed {
			return
		}
	}
}

// killChildren kills what any of this process's threads has started.
func killChildren() bool {
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		return false
	}
	killed := false
	for _, list := range lists {
		pids, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that ended meanwhile
		}
		for _, field := range strings.Fields(string(pids)) {
			if pid, err := strconv.Atoi(field); err == nil && syscall.Kill(pid, syscall.SIGKILL) == nil {
				killed = true
			}
		}
	}
	return killed
}

// TestVerbs runs the verbs that people use by hand.
func TestVerbs(t *testing.T) {
	paths := extracted(t)
	var out, errs bytes.Buffer
	text := filepath.Join(t.TempDir(), "text.txt")
	if err := os.WriteFile(text, []byte("Package io provides basic interfaces to I/O primitives.\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code := run(t.Context(), []string{"eval", "--model", paths.Base, "--text", text}, nil, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, &errs)
	}
	var loss torch.TextLoss
	if err := json.Unmarshal(out.Bytes(), &loss); err != nil || loss.Loss <= 0 || loss.Loss > 7 || loss.Predicted != loss.Tokens-1 {
		t.Errorf("%v: %s", err, &out)
	}
	out.Reset()
	args := []string{"bench", "--model", paths.Base, "--text", paths.Far, "--batch", "2", "--seq", "16", "--steps", "6"}
	if code := run(t.Context(), args, nil, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, &errs)
	}
	if lines := strings.Split(strings.TrimSpace(out.String()), "\n"); len(lines) != 2 || !strings.Contains(lines[1], `"arm":"lora"`) {
		t.Errorf("got %s", &out)
	}
}

// TestRefusals of what people give by hand.
func TestRefusals(t *testing.T) {
	paths := extracted(t)
	text := filepath.Join(t.TempDir(), "text.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("Package io provides basic interfaces to I/O primitives.\n", 100)), 0o644); err != nil {
		t.Fatal(err)
	}
	with := func(verb string, more ...string) []string {
		return append([]string{verb, "--model", paths.Base, "--text", text}, more...)
	}
	pretrain := func(more ...string) []string { return with("pretrain", append(more, "--out", t.TempDir())...) }
	for want, each := range map[int][][]string{
		2: {{"eval"}},
		3: {
			with("eval", "--text", "/nowhere"), with("eval", "--model", "/nowhere"), with("eval", "--adapter", "/nowhere"), with("eval", "--precision", "fp8"),
			with("bench", "--seq", "0"), with("bench", "--batch", "0"), with("bench", "--steps", "0"), with("bench", "--steps", "3"), with("bench", "--methods", "lora", "--rank", "0"),
			with("bench", "--methods", "qlora"), pretrain("--seq", "0"), pretrain("--batch", "-1"), pretrain("--steps", "0"), pretrain("--held-out", "100"),
		},
		5: {with("eval", "--device", "cuda:99")},
	} {
		for _, args := range each {
			var out, errs bytes.Buffer
			if code := run(t.Context(), args, nil, &out, &errs); code != want || !strings.Contains(errs.String(), "hint: ") {
				t.Errorf("%v: exit %d, want %d: %s", args, code, want, &errs)
			}
		}
	}
}
