package torch

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ftadvise/calibrate"
	"ftadvise/calibrate/enginetest"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/torch/shim"
)

// parityTask is a small task without any file but the goldens.
func parityTask(t *testing.T, model string) calibrate.Group {
	t.Helper()
	return calibrate.Group{
		ModelDir: writeModel(t, readGoldens(t).Models[model]), PackPath: writeRows(t, parityIDs(), parityLength), Device: testDevice(), Precision: "fp32",
		MicroBatch: 4, Accumulation: 1, DataSeed: paritySeed, Optimizer: evidence.Optimizer{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, ClipNorm: 1},
	}
}

func TestConformance(t *testing.T) {
	enginetest.Conformance(t, func(t *testing.T) enginetest.Subject {
		tolerance := 0.0
		if testDevice() != "cpu" {
			tolerance = 1e-5 // a GPU adds in an order of its own each time
		}
		return enginetest.Subject{
			Tolerance: tolerance, Engine: newEngine(t), Group: parityTask(t, "llama-tied"), Rate: 1e-3,
			LoRA: evidence.Method{Kind: evidence.LoRA, Rank: 2, Alpha: 4, Targets: evidence.AllLinear},
		}
	})
}

// outcome is what a segment's events came to.
type outcome struct {
	losses []float64
	evals  []float64
	end    calibrate.TrialEnded
	peak   int64
	warm   int
}

func trainAll(t *testing.T, e *Engine, group calibrate.Group) map[string]*outcome {
	t.Helper()
	out := map[string]*outcome{}
	err := e.Train(t.Context(), group, func(event calibrate.Event) {
		switch x := event.(type) {
		case calibrate.TrialStarted:
			out[x.Trial] = &outcome{}
		case calibrate.StepDone:
			out[x.Trial].losses = append(out[x.Trial].losses, x.Loss)
			if x.Warm {
				out[x.Trial].warm++
			}
		case calibrate.EvalDone:
			out[x.Trial].evals = append(out[x.Trial].evals, x.Loss)
		case calibrate.MemoryMeasured:
			out[x.Trial].peak = x.PeakAllocatedBytes
		case calibrate.TrialEnded:
			if out[x.Trial] == nil {
				out[x.Trial] = &outcome{}
			}
			out[x.Trial].end = x
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func searchArm(id string, rank int, rate float64, seed int64) calibrate.Segment {
	return calibrate.Segment{
		Trial: evidence.Trial{
			ID: id, Stage: evidence.StageSearch, LearningRate: rate, Seed: seed,
			Method: evidence.Method{Kind: evidence.LoRA, Rank: rank, Alpha: 8, Targets: evidence.AllLinear},
		},
		ToStep: 12, EvalSteps: []int{0, 6, 12},
	}
}

// TestArmsSideBySide holds a bundle of arms, of different ranks and rates, equal to the
// same arms trained one after another.
func TestArmsSideBySide(t *testing.T) {
	e := newEngine(t)
	for _, c := range [][2]string{{"qwen2", ""}, {"gpt2", ""}, {"qwen2", "dora"}, {"gpt2", "dora"}} {
		model, variant := c[0], c[1]
		group := parityTask(t, model)
		group.Segments = []calibrate.Segment{searchArm("a", 2, 3e-3, 1), searchArm("b", 4, 1e-2, 2), searchArm("c", 3, 2e-2, 3)}
		for i := range group.Segments {
			group.Segments[i].Trial.Method.Variant = variant
		}
		if n := len(bundles(group, parityLength)); n != 1 {
			t.Fatalf("%d bundles, want one", n)
		}
		together := trainAll(t, e, group)
		for _, segment := range group.Segments {
			alone := group
			alone.Segments = []calibrate.Segment{segment}
			id := segment.Trial.ID
			one, many := trainAll(t, e, alone)[id], together[id]
			if worst := apart(one.losses, many.losses) + apart(one.evals, many.evals); worst > 1e-4 {
				t.Errorf("%s %s: arm %s is %g nats off", model, variant, id, worst)
			}
		}
	}
}

func apart(a, b []float64) float64 {
	if len(a) != len(b) || len(a) == 0 {
		return math.Inf(1)
	}
	worst := 0.0
	for i := range a {
		worst = max(worst, math.Abs(a[i]-b[i]))
	}
	return worst
}

// TestDivergedArmHarmsNobody lets one arm of a bundle blow up.
func TestDivergedArmHarmsNobody(t *testing.T) {
	e := newEngine(t)
	group := parityTask(t, "llama")
	group.Segments = []calibrate.Segment{searchArm("good", 2, 3e-3, 1), searchArm("bad", 2, 1e30, 1)}
	got := trainAll(t, e, group)
	if end := got["bad"].end; end.Status != evidence.Diverged || !strings.Contains(end.Reason, "step") {
		t.Errorf("bad arm ended as %+v", end)
	}
	alone := group
	alone.Segments = group.Segments[:1]
	if worst := apart(trainAll(t, e, alone)["good"].losses, got["good"].losses); worst > 1e-5 {
		t.Errorf("good arm is %g nats off", worst)
	}
}

// TestCeilingOfDivergence: a model that begins badly has not diverged.
func TestCeilingOfDivergence(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		first     float64
		untrained bool
		want      float64
	}{{5, true, 12}, {18, true, 36}, {100, true, 200}, {18, false, 36}, {100, false, 48}, {5, false, 12}, {inf, true, 12}, {math.NaN(), true, 12}} {
		if got := ceilingFrom(6, c.first, c.untrained); got != c.want {
			t.Errorf("first loss %g, untrained %t: %g, want %g", c.first, c.untrained, got, c.want)
		}
	}
	if why := diverged(3, 37, 1, 36); !strings.Contains(why, "step 3: loss 37.00 is above 36.00") {
		t.Error(why)
	}
	if why := diverged(3, 35, 1, 36); why != "" {
		t.Error(why)
	}
}

// TestOutOfMemory lets full fine-tuning run out of memory where LoRA does not.
func TestOutOfMemory(t *testing.T) {
	e := newEngine(t)
	group := parityTask(t, "llama")
	group.Device = "cpu" // whose memory can be limited
	full := calibrate.Segment{Trial: evidence.Trial{ID: "full", Stage: evidence.StageFit, Method: evidence.Method{Kind: evidence.Full}, LearningRate: 1e-3}, ToStep: 6}
	lora := full
	lora.Trial.ID, lora.Trial.Method = "lora", evidence.Method{Kind: evidence.LoRA, Rank: 2, Alpha: 4, Targets: "q_proj"}
	group.Segments = []calibrate.Segment{full, lora}
	free := trainAll(t, e, group)
	if free["full"].peak <= free["lora"].peak || free["full"].warm != 6-warmSteps {
		t.Fatalf("full %+v, LoRA %+v", free["full"], free["lora"])
	}
	shim.LimitCPUMemory((free["full"].peak + free["lora"].peak) / 2)
	defer shim.LimitCPUMemory(0)
	got := trainAll(t, e, group)
	if end := got["full"].end; end.Status != evidence.OutOfMemory || !strings.Contains(end.Reason, "out of memory") {
		t.Errorf("full ended as %+v", end)
	}
	if end := got["lora"].end; end.Status != evidence.Completed {
		t.Errorf("LoRA ended as %+v", end)
	}
}

func TestMemoryIsFlat(t *testing.T) {
	e := newEngine(t)
	group := parityTask(t, "gpt2")
	group.Segments = []calibrate.Segment{searchArm("a", 2, 1e-3, 1)}
	held := func() int64 {
		trainAll(t, e, group)
		memory, err := shim.MemoryOf(shim.CPU)
		if err != nil {
			t.Fatal(err)
		}
		return memory.Allocated
	}
	if first, then := held(), held(); then > first {
		t.Errorf("%d bytes are left after a second training, %d after the first", then, first)
	}
}

func TestBadGroups(t *testing.T) {
	e := newEngine(t)
	for name, c := range map[string]struct {
		change func(*calibrate.Group)
		want   string
	}{
		"no device":         {func(g *calibrate.Group) { g.Device = "tpu" }, `"tpu" is no device`},
		"no CUDA":           {func(g *calibrate.Group) { g.Device = "cuda:99" }, "device cuda:99"},
		"precision":         {func(g *calibrate.Group) { g.Precision = "fp8" }, "fp8"},
		"bf16 on a CPU":     {func(g *calibrate.Group) { g.Precision = "bf16" }, "needs a GPU"},
		"no folder":         {func(g *calibrate.Group) { g.ModelDir = "/nowhere" }, "/nowhere"},
		"no pack":           {func(g *calibrate.Group) { g.PackPath = "/nowhere/pack" }, "pack"},
		"foreign tokenizer": {func(g *calibrate.Group) { g.PackPath = writeRows(t, []int32{1, 2, 97, 3}, 4) }, "97"},
		"too long":          {func(g *calibrate.Group) { g.PackPath = writeRows(t, make([]int32, 80), 80) }, "80 is more than the model's max_position_embeddings, 64"},
		"no such module": {func(g *calibrate.Group) {
			g.Segments = []calibrate.Segment{searchArm("a", 2, 1, 1)}
			g.Segments[0].Trial.Method.Targets = "q_prj"
		}, `"q_prj" is not found`},
		"head as target": {func(g *calibrate.Group) {
			g.Segments = []calibrate.Segment{searchArm("a", 2, 1, 1)}
			g.Segments[0].Trial.Method.Targets = "lm_head"
		}, "lm_head is among them, and LoRA on the head is not trained here"},
		"whole layer": {func(g *calibrate.Group) {
			g.Segments = []calibrate.Segment{searchArm("a", 2, 1, 1)}
			g.Segments[0].Trial.Method.ModulesToSave = "lm_head,q_proj"
		}, `"q_proj" is neither an embedding nor the head`},
		"rank 0": {func(g *calibrate.Group) { g.Segments = []calibrate.Segment{searchArm("a", 0, 1, 1)} }, "0 is not a LoRA rank"},
	} {
		t.Run(name, func(t *testing.T) {
			group := parityTask(t, "llama")
			group.Device = "cpu"
			c.change(&group)
			err := e.Train(t.Context(), group, func(calibrate.Event) {})
			var input *calibrate.InputError
			var env *calibrate.EnvironmentError
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			if name != "no pack" && !errors.As(err, &input) && !errors.As(err, &env) {
				t.Errorf("%v carries no hint", err)
			}
		})
	}
}

// TestClosedEngineStartsAgain whatever is asked of it first.
func TestClosedEngineStartsAgain(t *testing.T) {
	e := newEngine(t)
	for range 2 {
		if err := errors.Join(e.Close(), e.Close()); err != nil {
			t.Fatal(err)
		}
		if env, err := e.Info(t.Context()); err != nil || env.Libtorch == "" {
			t.Errorf("%+v, %v", env, err)
		}
	}
}

// TestWeightsThatAreNoNumbers is found out before any training.
func TestWeightsThatAreNoNumbers(t *testing.T) {
	group := parityTask(t, "llama")
	path := filepath.Join(group.ModelDir, "model.safetensors")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(data[len(data)-4:], []byte{0, 0, 0xc0, 0x7f})
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	group.Segments = []calibrate.Segment{searchArm("a", 2, 1e-3, 1)}
	err = newEngine(t).Train(t.Context(), group, func(calibrate.Event) {})
	var input *calibrate.InputError
	if !errors.As(err, &input) || !strings.Contains(err.Error(), "NaN") {
		t.Errorf("got %v", err)
	}
}

// TestCheckpointing trains the same with less memory, dropout included.
func TestCheckpointing(t *testing.T) {
	e := newEngine(t)
	for _, dropout := range []float64{0, 0.2} {
		group := parityTask(t, "gpt2")
		lora := searchArm("lora", 2, 1e-2, 1)
		lora.Trial.Method.Dropout = dropout
		full := searchArm("full", 0, 1e-3, 1)
		full.Trial.Method = evidence.Method{Kind: evidence.Full}
		group.Segments = []calibrate.Segment{lora, full}
		plain := trainAll(t, e, group)
		group.Checkpointing = true
		again := trainAll(t, e, group)
		for id := range plain {
			if worst := apart(plain[id].losses, again[id].losses); id == "full" && worst > 1e-6 || dropout == 0 && worst > 1e-6 {
				t.Errorf("%s, dropout %g: %g nats off", id, dropout, worst)
			}
			if again[id].peak >= plain[id].peak {
				t.Errorf("%s: peak %d with checkpointing, %d without", id, again[id].peak, plain[id].peak)
			}
		}
	}
}

// TestVariantsResume stops DoRA with modules trained whole half-way, and goes on.
func TestVariantsResume(t *testing.T) {
	e := newEngine(t)
	for _, method := range []evidence.Method{
		{Kind: evidence.LoRA, Rank: 2, Alpha: 4, Targets: evidence.AllLinear, Variant: "dora", RateRatioBA: 4, Dropout: 0.1},
		{Kind: evidence.LoRA, Rank: 2, Alpha: 4, Targets: "q_proj", Variant: "dora", ModulesToSave: "embed_tokens,lm_head"},
	} {
		group := parityTask(t, "llama-tied")
		segment := searchArm("a", 2, 3e-3, 1)
		segment.Trial.Method = method
		group.Segments = []calibrate.Segment{segment}
		whole := trainAll(t, e, group)["a"]
		half := segment
		half.ToStep, half.Save = 6, filepath.Join(t.TempDir(), "half")
		group.Segments = []calibrate.Segment{half}
		trainAll(t, e, group)
		rest := segment
		rest.FromStep, rest.Load = 6, half.Save
		group.Segments = []calibrate.Segment{rest}
		again := trainAll(t, e, group)["a"]
		// Dropout draws anew from where a segment begins.
		if worst := apart(whole.losses[6:], again.losses); method.Dropout == 0 && worst > 1e-6 || len(again.losses) != 6 {
			t.Errorf("%s: %g nats off after resuming", method, worst)
		}
		if whole.end.Status != evidence.Completed || again.evals[len(again.evals)-1] >= whole.evals[0] {
			t.Errorf("%s: held-out loss from %g to %g, %+v", method, whole.evals[0], again.evals[len(again.evals)-1], whole.end)
		}
	}
}

// TestProfile writes a trace and a table, and changes no loss.
func TestProfile(t *testing.T) {
	e := newEngine(t)
	group := parityTask(t, "llama")
	group.Segments = []calibrate.Segment{searchArm("lora", 2, 1e-3, 1)}
	plain := trainAll(t, e, group)["lora"].losses
	group.Profile = filepath.Join(t.TempDir(), "trace")
	var lines []string
	var losses []float64
	err := e.Train(t.Context(), group, func(event calibrate.Event) {
		switch x := event.(type) {
		case calibrate.LogLine:
			lines = append(lines, x.Text)
		case calibrate.StepDone:
			losses = append(losses, x.Loss)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if table := strings.Join(lines, "\n"); !strings.Contains(table, "attention backward") || apart(plain, losses) > 1e-6 {
		t.Errorf("losses %g off; table:\n%s", apart(plain, losses), table)
	}
	checkTrace(t, group.Profile)
}

// checkTrace reads a trace as Perfetto does: complete events in order, one process a
// trial, and how much was held after each.
func checkTrace(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var trace struct{ TraceEvents []traceEvent }
	if err := json.Unmarshal(data, &trace); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	last := 0.0
	for _, e := range trace.TraceEvents {
		kinds[e.Phase]++
		if e.Phase == "X" && (e.Start < last || e.Long < 0 || e.Name == "") {
			t.Errorf("out of order: %+v after %g", e, last)
		}
		last = max(last, e.Start)
	}
	if kinds["M"] != 1 || kinds["X"] < 10 || kinds["C"] != kinds["X"] {
		t.Errorf("events by kind: %v", kinds)
	}
}
