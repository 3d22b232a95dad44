package torch

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ftadvise/calibrate"
	"ftadvise/calibrate/dataset"
	"ftadvise/calibrate/dataset/tokenizer"
	"ftadvise/calibrate/embedded"
	"ftadvise/calibrate/evidence"
)

// reviews are texts that a word tells apart, with their labels.
func reviews(t *testing.T) string {
	t.Helper()
	words := map[string][]string{"praise": {"fine", "great", "good", "lovely"}, "blame": {"poor", "awful", "bad", "dull"}}
	var b strings.Builder
	for i := range 400 {
		label := []string{"praise", "blame"}[i%2]
		fmt.Fprintf(&b, `{"text":"Number %d was a %s thing to read","label":"%s"}`+"\n", i, words[label][i/2%4], label)
	}
	path := filepath.Join(t.TempDir(), "reviews.jsonl")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAccuracyRises lets the embedded base model learn to classify by both methods: it
// knows none of the labels before and nearly all of them after.
func TestAccuracyRises(t *testing.T) {
	paths, err := embedded.Extract(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load(paths.Base)
	if err != nil {
		t.Fatal(err)
	}
	pack := filepath.Join(t.TempDir(), "pack.safetensors")
	made, err := dataset.Pack(t.Context(), dataset.Options{Path: reviews(t), SeqLength: 128, EvalRows: 8, General: embedded.General()}, tok, pack)
	if err != nil {
		t.Fatal(err)
	}
	if made.Data.Shape != "classification" {
		t.Fatalf("read as %s", made.Data.Shape)
	}
	arm := func(id string, m evidence.Method, rate float64) calibrate.Segment {
		return calibrate.Segment{Trial: evidence.Trial{ID: id, Stage: evidence.StageSearch, Method: m, LearningRate: rate, Seed: 1}, ToStep: 60, EvalSteps: []int{0, 60}, General: true}
	}
	lora := evidence.Method{Kind: evidence.LoRA, Rank: 8, Alpha: 16, Targets: evidence.AllLinear}
	group := calibrate.Group{
		ModelDir: paths.Base, PackPath: pack, Device: testDevice(), Precision: "fp32", MicroBatch: 4, Accumulation: 1, DataSeed: 1,
		Optimizer: evidence.Optimizer{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, ClipNorm: 1},
		Segments:  []calibrate.Segment{arm("full", evidence.Method{Kind: evidence.Full}, 2e-3), arm("lora", lora, 1e-2), arm("idle", lora, 0)},
	}
	got := map[string][]float64{}
	e := newEngine(t)
	if err := e.Train(t.Context(), group, func(event calibrate.Event) {
		x, ok := event.(calibrate.EvalDone)
		switch {
		case !ok:
		case x.Set == calibrate.SetHeldOut && x.Accuracy != nil:
			got[x.Trial] = append(got[x.Trial], *x.Accuracy)
		case x.Accuracy != nil || x.Set == calibrate.SetHeldOut:
			t.Errorf("accuracy of %+v", x)
		}
	}); err != nil {
		t.Fatal(err)
	}
	t.Logf("accuracy before and after: %v", got)
	for id, least := range map[string]float64{"full": 0.95, "lora": 0.95, "idle": 0} {
		a := got[id]
		if len(a) != 2 || a[0] > 0.05 || a[1] < least || id == "idle" && a[1] != a[0] {
			t.Errorf("%s: accuracy %v", id, a)
		}
	}
}
