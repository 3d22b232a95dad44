package torch

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ftadvise/calibrate"
	"ftadvise/calibrate/dataset/packfile"
	"ftadvise/calibrate/dataset/tokenizer"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/safetensors"
	"ftadvise/calibrate/torch/decoder"
)

var update = flag.Bool("update", false, "write testdata/parity-order.json anew")

// What parity.py uses as well.
const (
	paritySteps, parityRows, parityBatch, parityLength = 20, 16, 4, 32
	paritySeed                                         = 7
)

// golden is one training by transformers and PEFT.
type golden struct {
	LoRA          *peftSettings
	Rate          float64
	Ratio, Decay  float64 // LoRA+'s ratio and the weight decay
	Losses, Norms []float64
	Final         float64
	Trainable     int64
}

// peftSettings are LoraConfig's.
type peftSettings struct {
	Rank    int      `json:"r"`
	Alpha   float64  `json:"lora_alpha"`
	Targets any      `json:"target_modules"` // text, a list or nothing
	RsLoRA  bool     `json:"use_rslora"`
	DoRA    bool     `json:"use_dora"`
	Whole   []string `json:"modules_to_save"`
}

// method is the training's in our words.
func (g golden) method() evidence.Method {
	p := g.LoRA
	if p == nil {
		return evidence.Method{Kind: evidence.Full}
	}
	m := evidence.Method{Kind: evidence.LoRA, Rank: p.Rank, Alpha: p.Alpha, RateRatioBA: g.Ratio, ModulesToSave: strings.Join(p.Whole, ",")}
	switch targets := p.Targets.(type) {
	case string:
		m.Targets = targets
	case []any:
		for _, name := range targets {
			m.Targets += "," + name.(string)
		}
		m.Targets = m.Targets[1:]
	}
	switch {
	case p.RsLoRA:
		m.Variant = evidence.RsLoRA
	case p.DoRA:
		m.Variant = evidence.DoRA
	}
	return m
}

type goldenModel struct {
	Config     json.RawMessage
	Parameters map[string][]int64
	Trainings  map[string]golden
}

type goldens struct {
	Models   map[string]goldenModel
	Adapters map[string]goldenAdapter
	Stories  struct {
		Tokens     int
		Digest     string
		HeadChars  int     `json:"head_chars"`
		HeadTokens int     `json:"head_tokens"`
		HeadLoss   float64 `json:"head_loss"`
		Trainings  map[string]golden
	} `json:"stories260K"`
}

func readGoldens(t *testing.T) goldens {
	t.Helper()
	data, err := os.ReadFile("testdata/parity.json")
	if err != nil {
		t.Fatal(err)
	}
	var g goldens
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// TestParityOrder holds the row order that parity.py reads equal to the engine's.
func TestParityOrder(t *testing.T) {
	b := newBatches(packfile.Rows{N: parityRows}, paritySeed, parityBatch)
	var order [][]int
	for step := range paritySteps {
		order = append(order, b.rows(step+1))
	}
	want, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	path := "testdata/parity-order.json"
	if *update {
		if err := os.WriteFile(path, append(want, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || strings.TrimSpace(string(got)) != string(want) {
		t.Errorf("%s is not the engine's order (%v)", path, err)
	}
}

// uniform gives n values in [-1, 1) from a name, by splitmix64.
func uniform(name string, n int) []float32 {
	sum := sha256.Sum256([]byte(name))
	state := binary.LittleEndian.Uint64(sum[:8])
	out := make([]float32, n)
	for i := range out {
		state += 0x9E3779B97F4A7C15
		z := state
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		out[i] = float32(float64(z>>40)/(1<<23) - 1)
	}
	return out
}

func filled(name string, shape []int64, neutral float32) safetensors.Source {
	n := 1
	for _, d := range shape {
		n *= int(d)
	}
	values := uniform(name, n)
	for i := range values {
		values[i] *= 0.2
		if len(shape) == 1 && !strings.Contains(name, "bias") {
			values[i] += neutral
		}
	}
	return safetensors.Source{Name: name, DType: "F32", Shape: shape, Data: floatBytes(values)}
}

func floatBytes(values []float32) []byte {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return data
}

// writeModel makes the folder that parity.py's model would save.
func writeModel(t *testing.T, g goldenModel) string {
	t.Helper()
	dir := t.TempDir()
	neutral := float32(1)
	if strings.Contains(string(g.Config), "gemma3_text") {
		neutral = 0
	}
	var tensors []safetensors.Source
	for name, shape := range g.Parameters {
		tensors = append(tensors, filled(name, shape, neutral))
	}
	slices.SortFunc(tensors, func(a, b safetensors.Source) int { return strings.Compare(a.Name, b.Name) })
	if err := safetensors.Write(filepath.Join(dir, "model.safetensors"), tensors, map[string]string{"format": "pt"}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), g.Config, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeRows(t *testing.T, ids []int32, length int) string {
	t.Helper()
	rows := packfile.Rows{N: len(ids) / length, SeqLength: length, IDs: ids, Labels: ids, Segments: make([]int32, len(ids))}
	for i := range rows.Segments {
		rows.Segments[i] = 1
	}
	path := filepath.Join(t.TempDir(), "pack.safetensors")
	if err := packfile.Write(path, packfile.Pack{Train: rows, Eval: rows}); err != nil {
		t.Fatal(err)
	}
	return path
}

// training runs a golden's method through the engine and returns what a golden holds.
func training(t *testing.T, e *Engine, dir, pack string, want golden) golden {
	t.Helper()
	segment := calibrate.Segment{
		Trial:  evidence.Trial{ID: "t", Stage: evidence.StageProbe, Method: want.method(), LearningRate: want.Rate, Seed: 1},
		ToStep: paritySteps, EvalSteps: []int{paritySteps},
	}
	if want.LoRA != nil {
		segment.Load = adapterCheckpoint(t, e, dir, segment)
	}
	group := calibrate.Group{
		ModelDir: dir, PackPath: pack, Device: testDevice(), Precision: "fp32", MicroBatch: 2, Accumulation: 2, DataSeed: paritySeed,
		Optimizer: evidence.Optimizer{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: want.Decay, ClipNorm: 1}, Segments: []calibrate.Segment{segment},
	}
	var got golden
	err := e.Train(t.Context(), group, func(event calibrate.Event) {
		switch x := event.(type) {
		case calibrate.TrialStarted:
			got.Trainable = x.TrainableParams
		case calibrate.StepDone:
			got.Losses, got.Norms = append(got.Losses, x.Loss), append(got.Norms, x.GradNorm)
		case calibrate.EvalDone:
			got.Final = x.Loss
		case calibrate.TrialEnded:
			if x.Status != evidence.Completed {
				t.Errorf("ended as %s: %s", x.Status, x.Reason)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// adapterCheckpoint makes a checkpoint at step 0 whose A is parity.py's.
func adapterCheckpoint(t *testing.T, e *Engine, dir string, segment calibrate.Segment) string {
	t.Helper()
	segment.Save = filepath.Join(t.TempDir(), "start")
	withLoRA(t, e, dir, segment.Trial.Method, func(m *decoder.Model) error {
		tensors, err := m.Adapter(0)
		if err != nil {
			return err
		}
		for i, x := range tensors {
			if strings.HasSuffix(x.Name, ".lora_A.weight") {
				values := uniform(x.Name, len(x.Data)/4)
				for j := range values {
					values[j] /= float32(math.Sqrt(float64(x.Shape[1])))
				}
				tensors[i].Data = floatBytes(values)
			}
		}
		if err := m.SetAdapter(0, tensors); err != nil {
			return err
		}
		return saveCheckpoint(m, 0, segment, 0)
	})
	return segment.Save
}

// withLoRA runs do on a LoRA model with the weights of a folder.
func withLoRA(t *testing.T, e *Engine, dir string, method evidence.Method, do func(*decoder.Model) error) {
	t.Helper()
	err := e.on(func() error {
		model, err := hf.Open(dir)
		if err != nil {
			return err
		}
		defer model.Close()
		fp32, err := decoder.ParsePrecision("fp32")
		if err != nil {
			return err
		}
		device, err := deviceOf(testDevice(), e.noCUDA)
		if err != nil {
			return err
		}
		m, err := decoder.NewLoRA(model.Config, fp32, device, parityLength, []decoder.Arm{{Method: method}})
		if err != nil {
			return err
		}
		defer m.Close()
		if err := m.Load(model); err != nil {
			return err
		}
		return do(m)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// compare holds a training to its golden: losses to 1e-4 nats, norms to 1e-4 of their
// own, on a GPU, whose products round otherwise, to ten times that.
func compare(t *testing.T, got, want golden) {
	t.Helper()
	lossTolerance, normTolerance := 1e-4, 1e-4
	if testDevice() != "cpu" {
		normTolerance = 1e-3
	}
	if got.Trainable != want.Trainable {
		t.Errorf("%d trainable parameters, want %d", got.Trainable, want.Trainable)
	}
	if len(got.Losses) != len(want.Losses) {
		t.Fatalf("%d steps, want %d", len(got.Losses), len(want.Losses))
	}
	worstLoss, worstNorm := 0.0, 0.0
	for i := range want.Losses {
		worstLoss = max(worstLoss, math.Abs(got.Losses[i]-want.Losses[i]))
		worstNorm = max(worstNorm, math.Abs(got.Norms[i]/want.Norms[i]-1))
	}
	worstLoss = max(worstLoss, math.Abs(got.Final-want.Final))
	if !(worstLoss <= lossTolerance) || !(worstNorm <= normTolerance) {
		t.Errorf("loss off by up to %.2g nats, gradient norm by %.2g; first loss %g want %g, first norm %g want %g",
			worstLoss, worstNorm, got.Losses[0], want.Losses[0], got.Norms[0], want.Norms[0])
	}
	t.Logf("loss within %.1e nats, gradient norm within %.1e, over %d steps", worstLoss, worstNorm, len(want.Losses))
}

// testDevice is the CPU unless FTADVISE_TEST_DEVICE names a GPU.
func testDevice() string {
	if device := os.Getenv("FTADVISE_TEST_DEVICE"); device != "" {
		return device
	}
	return "cpu"
}

func newEngine(t *testing.T) *Engine {
	t.Helper()
	e, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// parityIDs are the rows that parity.py trains on.
func parityIDs() []int32 {
	ids := make([]int32, parityRows*parityLength)
	for i, u := range uniform("rows", len(ids)) {
		ids[i] = int32(float64(u+1) / 2 * 97)
	}
	return ids
}

// TestParity trains every family as transformers and PEFT did and compares each step.
func TestParity(t *testing.T) {
	e := newEngine(t)
	pack := writeRows(t, parityIDs(), parityLength)
	trained := 0
	for name, g := range readGoldens(t).Models {
		dir := writeModel(t, g)
		for kind, want := range g.Trainings {
			trained++
			t.Run(name+"/"+kind, func(t *testing.T) { compare(t, training(t, e, dir, pack, want), want) })
		}
	}
	if trained < 80 {
		t.Errorf("%d trainings", trained)
	}
}

// sharedData is the folder of real models and texts beside the repository.
func sharedData(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../../shared/data")
	if err == nil {
		_, err = os.Stat(dir)
	}
	if err != nil {
		t.Skip("../shared/data not found: this test needs a really trained model")
	}
	return dir
}

// TestParityStories does the same with a really trained model on a real text.
func TestParityStories(t *testing.T) {
	shared, g := sharedData(t), readGoldens(t).Stories
	e := newEngine(t)
	dir := filepath.Join(shared, "stories260K", "hf")
	data, err := os.ReadFile(filepath.Join(shared, "tinyshakespeare", "input.txt"))
	if err != nil {
		t.Fatal(err)
	}
	head := filepath.Join(t.TempDir(), "head.txt")
	if err := os.WriteFile(head, data[:g.HeadChars], 0o644); err != nil {
		t.Fatal(err)
	}
	loss, err := e.TextLoss(t.Context(), TextSpec{ModelDir: dir, TextPath: head, Device: testDevice(), Precision: "fp32"})
	if err != nil || loss.Tokens != g.HeadTokens || math.Abs(loss.Loss-g.HeadLoss) > 1e-4 {
		t.Errorf("got %+v, %v; want %d tokens, loss %g", loss, err, g.HeadTokens, g.HeadLoss)
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	ids := tok.Encode(string(data[:20000]), true)
	var raw []byte
	for _, id := range ids {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(id))
	}
	if sum := sha256.Sum256(raw); len(ids) != g.Tokens || hex.EncodeToString(sum[:]) != g.Digest {
		t.Fatalf("%d tokens with digest %x, want %d", len(ids), sum, g.Tokens)
	}
	pack := writeRows(t, ids[:parityRows*128], 128)
	for kind, want := range g.Trainings {
		t.Run(kind, func(t *testing.T) { compare(t, training(t, e, dir, pack, want), want) })
	}
}
