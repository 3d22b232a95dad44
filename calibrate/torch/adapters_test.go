package torch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/safetensors"
	"ftadvise/calibrate/torch/decoder"
	"ftadvise/calibrate/torch/shim"
)

// goldenAdapter is an adapter that PEFT saved under testdata/adapters, with the loss that
// PEFT computes with it over parity.py's rows.
type goldenAdapter struct {
	Model string
	LoRA  *peftSettings
	Loss  float64
}

// TestAdaptersOfPEFT loads what PEFT saved and computes the same loss; saved again, it is
// what PEFT saved.
func TestAdaptersOfPEFT(t *testing.T) {
	e, g := newEngine(t), readGoldens(t)
	if len(g.Adapters) < 9 {
		t.Fatalf("%d adapters", len(g.Adapters))
	}
	for name, want := range g.Adapters {
		t.Run(name, func(t *testing.T) {
			base, dir := writeModel(t, g.Models[want.Model]), filepath.Join("testdata", "adapters", name)
			if got := adapterLoss(t, e, base, dir); math.Abs(got-want.Loss) > 1e-5 {
				t.Errorf("loss %g, PEFT's %g", got, want.Loss)
			}
			sameAdapter(t, saveAgain(t, e, base, dir), dir)
		})
	}
}

// adapterLoss is the mean loss of parity.py's rows under an adapter.
func adapterLoss(t *testing.T, e *Engine, base, dir string) float64 {
	t.Helper()
	var loss float64
	onAdapter(t, e, base, dir, func(m *decoder.Model) error {
		rows := windows(parityIDs(), parityLength)
		arena := shim.NewArena(shim.CPU)
		defer arena.Reset()
		result, err := meanLoss(m.OneLane(arena), rows, 1, 4)
		loss = result.loss[0]
		return err
	})
	return loss
}

// onAdapter runs do on a base model with an adapter.
func onAdapter(t *testing.T, e *Engine, base, dir string, do func(*decoder.Model) error) {
	t.Helper()
	err := e.on(func() error {
		s := &session{group: calibrate.Group{ModelDir: base, Device: "cpu", Precision: "fp32"}}
		if err := s.open(e.noCUDA); err != nil {
			return err
		}
		defer s.model.Close()
		m, err := s.adapted(dir, parityLength)
		if err != nil {
			return err
		}
		defer m.Close()
		return do(m)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// saveAgain saves a loaded adapter as a trial's is saved.
func saveAgain(t *testing.T, e *Engine, base, dir string) string {
	t.Helper()
	out := t.TempDir()
	was, err := hf.LoadAdapter(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer was.Close()
	onAdapter(t, e, base, dir, func(m *decoder.Model) error {
		tensors, err := m.Adapter(0)
		if err != nil {
			return err
		}
		return hf.SaveAdapter(out, was.Base, was.Method, tensors)
	})
	return out
}

// sameAdapter holds one saved here equal to PEFT's: each tensor, and each setting that we
// write.
func sameAdapter(t *testing.T, ours, theirs string) {
	t.Helper()
	a, b := tensorsOf(t, ours), tensorsOf(t, theirs)
	if len(a) != len(b) {
		t.Errorf("%d tensors, PEFT has %d", len(a), len(b))
	}
	for name, x := range a {
		if y := b[name]; !bytes.Equal(x.Data, y.Data) || !slices.Equal(x.Shape, y.Shape) {
			t.Errorf("%s differs from PEFT's", name)
		}
	}
	ourSettings, theirSettings := settingsOf(t, ours), settingsOf(t, theirs)
	for key, value := range ourSettings {
		if fmt.Sprint(value) != fmt.Sprint(theirSettings[key]) {
			t.Errorf("%s is %v, PEFT has %v", key, value, theirSettings[key])
		}
	}
}

func tensorsOf(t *testing.T, dir string) map[string]safetensors.Source {
	t.Helper()
	a, err := hf.LoadAdapter(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	list, err := a.Sources()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]safetensors.Source{}
	for _, s := range list {
		out[s.Name] = s
	}
	return out
}

// settingsOf reads adapter_config.json, its lists in order.
func settingsOf(t *testing.T, dir string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "adapter_config.json"))
	var out map[string]any
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	if list, ok := out["target_modules"].([]any); ok {
		slices.SortFunc(list, func(a, b any) int { return bytes.Compare([]byte(a.(string)), []byte(b.(string))) })
	}
	return out
}

// TestParityAdapters trains adapters, exports them and has PEFT compute the loss with
// them. It needs FTADVISE_PYTHON, an interpreter with transformers and peft.
func TestParityAdapters(t *testing.T) {
	python := os.Getenv("FTADVISE_PYTHON")
	if python == "" {
		t.Skip("FTADVISE_PYTHON names no interpreter that has transformers and peft")
	}
	e, g := newEngine(t), readGoldens(t)
	pack := writeRows(t, parityIDs(), parityLength)
	args, finals, names := []string{"testdata/parity.py", "losses"}, []float64{}, []string{}
	for name, model := range g.Models {
		dir := writeModel(t, model)
		for kind, want := range model.Trainings {
			if want.LoRA == nil {
				continue
			}
			folder := t.TempDir()
			if err := os.Symlink(dir, filepath.Join(folder, "model")); err != nil {
				t.Fatal(err)
			}
			args, names = append(args, folder), append(names, name+"/"+kind)
			finals = append(finals, exported(t, e, dir, pack, want, filepath.Join(folder, "adapter")))
		}
	}
	for i, loss := range pythonLosses(t, python, args) {
		if math.Abs(loss-finals[i]) > 1e-5 || math.IsNaN(loss) {
			t.Errorf("%s: loss %g here, %g in PEFT", names[i], finals[i], loss)
		}
	}
	t.Logf("%d adapters give the same loss in PEFT", len(finals))
}

// exported trains a few steps and returns the held-out loss of what it exported.
func exported(t *testing.T, e *Engine, dir, pack string, want golden, out string) float64 {
	t.Helper()
	group := calibrate.Group{
		ModelDir: dir, PackPath: pack, Device: "cpu", Precision: "fp32", MicroBatch: 4, Accumulation: 1, DataSeed: paritySeed,
		Optimizer: evidence.Optimizer{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, ClipNorm: 1},
		Segments: []calibrate.Segment{{
			Trial:  evidence.Trial{ID: "t", Stage: evidence.StageProbe, Method: want.method(), LearningRate: want.Rate, Seed: 1},
			ToStep: 4, EvalSteps: []int{4}, Export: out,
		}},
	}
	got := trainAll(t, e, group)["t"]
	if again := adapterLoss(t, e, dir, out); math.Abs(again-got.evals[0]) > 1e-6 {
		t.Errorf("%s: loss %g when trained, %g when loaded again", want.method(), got.evals[0], again)
	}
	return got.evals[0]
}

func pythonLosses(t *testing.T, python string, args []string) []float64 {
	t.Helper()
	cmd := exec.Command(python, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	var out []float64
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil || len(out) != len(args)-2 {
		t.Fatalf("%d losses, %v: %s", len(out), err, stderr.String())
	}
	return out
}

// TestTextLossWithAdapter reads a text through an adapter: of zeros it changes nothing,
// and one of another model is refused.
func TestTextLossWithAdapter(t *testing.T) {
	e, base := newEngine(t), filepath.Join("..", "embedded", "base")
	text := filepath.Join(t.TempDir(), "text.txt")
	if err := os.WriteFile(text, []byte("func main() returns an error"), 0o600); err != nil {
		t.Fatal(err)
	}
	method := evidence.Method{Kind: evidence.LoRA, Rank: 2, Alpha: 4, Targets: "q_proj,v_proj"}
	adapter := t.TempDir()
	if err := hf.SaveAdapter(adapter, base, method, emptyAdapter(t, base, method)); err != nil {
		t.Fatal(err)
	}
	spec := TextSpec{ModelDir: base, TextPath: text, Device: "cpu", Precision: "fp32"}
	plain, err := e.TextLoss(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	spec.AdapterDir = adapter
	if got, err := e.TextLoss(t.Context(), spec); err != nil || math.Abs(got.Loss-plain.Loss) > 1e-6 {
		t.Errorf("loss %g with an adapter of zeros, %v; %g without", got.Loss, err, plain.Loss)
	}
	spec.AdapterDir = filepath.Join("testdata", "adapters", "llama-dora")
	var refused *calibrate.InputError
	if _, err := e.TextLoss(t.Context(), spec); !errors.As(err, &refused) || !strings.Contains(refused.Hint, "the base model that the adapter was trained on: llama") {
		t.Errorf("another model's adapter: %v", err)
	}
}

// emptyAdapter makes the tensors of a method's adapter, all zero.
func emptyAdapter(t *testing.T, dir string, method evidence.Method) []safetensors.Source {
	t.Helper()
	model, err := hf.OpenConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	list, err := model.Config.AdapterParameters(method)
	if err != nil {
		t.Fatal(err)
	}
	var out []safetensors.Source
	for _, p := range list {
		out = append(out, safetensors.Source{Name: p.Name, DType: "F32", Shape: p.Shape, Data: make([]byte, 4*p.Elements())})
	}
	return out
}
