package calibrate_test

import (
	"context"
	"math"
	"testing"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/enginetest"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// memory is a Keeper in memory, but for the checkpoints. It keeps the run as JSON, as
// a store does, so that a number JSON cannot hold fails here too.
type memory struct {
	dir    string
	data   []byte
	events []calibrate.Event
	lines  int
}

func (m *memory) Load() (*evidence.Run, error) { return evidence.Decode(m.data) }
func (m *memory) Path() string                 { return m.dir }

func (m *memory) Save(run *evidence.Run) error {
	data, err := evidence.Encode(run)
	if err == nil {
		m.data = data
	}
	return err
}

func (m *memory) AppendEvent(line []byte) error {
	m.lines++
	e, err := calibrate.DecodeEvent(line)
	m.events = append(m.events, e)
	return err
}

// watcher is an Observer that counts, and may act.
type watcher struct {
	planned, happened int
	on                func(calibrate.Event)
}

func (w *watcher) Planned(*evidence.Run) { w.planned++ }
func (w *watcher) Happened(e calibrate.Event) {
	w.happened++
	if w.on != nil {
		w.on(e)
	}
}

// bench is one run with all that it takes.
type bench struct {
	spec   calibrate.Spec
	script enginetest.Script
	clock  *enginetest.Clock
	keeper *memory
	watch  *watcher
	engine *enginetest.Engine // of the last sitting
}

func newBench(t *testing.T, script enginetest.Script) *bench {
	t.Helper()
	b := &bench{script: script, clock: enginetest.NewClock(), keeper: &memory{dir: t.TempDir()}, watch: &watcher{}}
	b.script.Pass = b.clock.Pass
	b.spec = calibrate.Spec{
		ModelDir: "model", PackPath: "pack.safetensors", Device: "cpu", Precision: "fp32",
		Model:     evidence.Model{Name: "tiny", Vocab: 512, Fingerprint: "m"},
		Data:      evidence.Data{Name: "text", Fingerprint: "d", Tokens: 1 << 20, LabelledShare: 1, EvalRows: 32},
		SeqLength: 16, MicroBatch: 8, Accumulation: 1, WarmupSteps: 10,
		Optimizer: evidence.Optimizer{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8},
		Full:      true, LoRA: []evidence.Method{lora8},
		RateFull: 1e-4, RateLoRA: 1e-3, SearchRates: 3, HorizonSteps: 2000, Budget: 3 * time.Minute, Seeds: 1, Seed: 7,
		Library: &forecast.Library{}, // a scripted curve's best rate is the same at every step
	}
	if err := b.keeper.Save(&evidence.Run{ID: "01TEST", State: evidence.Running}); err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	full  = evidence.Method{Kind: evidence.Full}
	lora8 = evidence.Method{Kind: evidence.LoRA, Rank: 8, Alpha: 16, Targets: evidence.AllLinear}
)

// sit runs one sitting with a fresh engine.
func (b *bench) sit(ctx context.Context) (*evidence.Run, error) {
	b.engine = enginetest.New(b.script)
	return calibrate.RunAt(ctx, b.spec, b.engine, b.keeper, b.watch, b.clock.Now)
}

// done runs and expects the end.
func (b *bench) done(t *testing.T) *evidence.Run {
	t.Helper()
	run, err := b.sit(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if run.State != evidence.Done {
		t.Fatalf("state %s", run.State)
	}
	return run
}

// only returns the one trial of a stage and method.
func only(t *testing.T, run *evidence.Run, stage evidence.Stage, m evidence.Method) evidence.TrialResult {
	t.Helper()
	found := pick(run, stage, m)
	if len(found) != 1 {
		t.Fatalf("%d %s trials of %s", len(found), stage, m)
	}
	return found[0]
}

func pick(run *evidence.Run, stage evidence.Stage, m evidence.Method) []evidence.TrialResult {
	var out []evidence.TrialResult
	for _, r := range run.Trials {
		if r.Stage == stage && r.Method == m {
			out = append(out, r)
		}
	}
	return out
}

func warned(run *evidence.Run, code string) bool {
	for _, w := range run.Warnings {
		if w.Code == code {
			return true
		}
	}
	return false
}

func within(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }
