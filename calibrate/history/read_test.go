package history

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ftadvise/calibrate/evidence"
)

const trainerJSON = `{"max_steps": 100, "logging_steps": 10, "log_history": [
 {"step": 10, "loss": 2.5, "grad_norm": 1.2, "learning_rate": 9.0e-05, "epoch": 0.1},
 {"step": 20, "loss": 2.1, "grad_norm": NaN, "learning_rate": 8.0e-05},
 {"step": 20, "eval_loss": 2.2, "eval_runtime": 1.0},
 {"step": 30, "loss": 1.9, "learning_rate": 7.0e-05},
 {"step": 40, "loss": 1.8, "learning_rate": 6.0e-05},
 {"step": 40, "eval_loss": 1.95},
 {"step": 40, "train_loss": 2.07, "train_runtime": 9.9}]}`

func TestParseFormats(t *testing.T) {
	tests := []struct {
		name, path, data    string
		runs, train, eval   int
		first               evidence.Kind
		shape               evidence.Shape
		block, planned, end int
	}{
		{"trainer state", "out/lora-r8/trainer_state.json", trainerJSON, 1, 4, 2, evidence.LoRA, evidence.Linear, 10, 100, 40},
		{"csv", "full.csv", "step,loss,eval_loss\n1,3.0,\n2,2.5,2.6\n3,2.2,2.4\n", 1, 3, 2, evidence.Full, "", 1, 0, 3},
		{"csv with methods", "log.csv", "method;Step;Loss\nfull;1;3\nlora r=4;1;3.1\nfull;2;2\nlora r=4;2;2.5\n", 2, 2, 0, evidence.Full, "", 0, 0, 2},
		{"wandb panel", "w.csv", "\"Step\",\"full - train/loss\",\"full - train/loss__MIN\",\"lora_r8 - train/loss\"\n1,3,3,3.2\n2,2,2,2.9\n", 2, 2, 0, evidence.Full, "", 0, 0, 2},
		{"json lines", "full.jsonl", "{\"_step\": 0, \"train/global_step\": 10, \"train/loss\": 2}\n{\"_step\": 1, \"train/global_step\": 20, \"train/loss\": 1.5}\n", 1, 2, 0, evidence.Full, "", 0, 0, 20},
		{"array", "lora.json", `[{"step": 1, "loss": 2}, {"step": 2, "loss": NaN}, {"step": 3, "loss": 1}]`, 1, 3, 0, evidence.LoRA, "", 1, 0, 3},
		{"columns", "x.json", `{"method": "full", "step": [1, 2, 3], "loss": [3, null, 2]}`, 1, 3, 0, evidence.Full, "", 1, 0, 3},
		{"curves", "c.json", `{"about": {"protocol": "1000 steps, cosine"}, "runs": {"full--a": {"train_loss_mean_of_250_steps": [3, 2.5, 2.2, 2]}}}`, 1, 4, 0, evidence.Full, evidence.Cosine, 250, 0, 1000},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			records, _, err := Parse(test.path, []byte(test.data))
			if err != nil {
				t.Fatal(err)
			}
			r := records[0]
			end := 0
			for _, p := range append(append([]evidence.Point(nil), r.Train...), r.Eval...) {
				end = max(end, p.Step)
			}
			if len(records) != test.runs || len(r.Train) != test.train || len(r.Eval) != test.eval || r.Method.Kind != test.first ||
				r.Schedule.Shape != test.shape || r.BlockSteps != test.block || r.TotalSteps != test.planned || end != test.end {
				t.Errorf("got %d runs, %+v", len(records), r)
			}
		})
	}
}

// Runs of one seed share batches; those of another are told apart, and keep their seed.
func TestSeedsOfCurves(t *testing.T) {
	records, _, err := Parse("c.json", []byte(`{"runs": {
		"full": {"data": "x", "eval_loss": [{"step": 0, "loss": 3}, {"step": 9, "loss": 2}]},
		"full again": {"data": "x", "seed": 2, "eval_loss": [{"step": 0, "loss": 3}, {"step": 9, "loss": 2.1}]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	curves := Curves(records)
	if curves[0].Data != "x" || curves[1].Data != "x/seed2" || curves[1].Seed != 2 {
		t.Errorf("got %+v", curves)
	}
	if run, _ := Run("r", time.Time{}, records); run.Data.Name != "x" || run.Trials[1].Seed != 2 {
		t.Errorf("got %+v", run)
	}
}

func TestAccuracyOfLogs(t *testing.T) {
	tests := map[string]struct {
		log  string
		want []evidence.Point
	}{
		"trainer":        {`{"log_history":[{"step":10,"eval_loss":2,"eval_accuracy":0.5},{"step":20,"eval_loss":1,"eval_accuracy":0.75}]}`, []evidence.Point{{Step: 10, Loss: 0.5}, {Step: 20, Loss: 0.75}}},
		"of tokens":      {`[{"step":1,"eval_loss":2,"eval_mean_token_accuracy":0.5}]`, nil},
		"in percent":     {`[{"step":1,"eval_loss":2,"val_acc":50},{"step":2,"eval_loss":2,"val_acc":0.5}]`, nil},
		"not a number":   {`[{"step":1,"eval_loss":2,"val_acc":null}]`, nil},
		"run of its own": {`{"schema":1,"trials":[{"id":"a","outcome":{"eval_loss":[{"step":0,"loss":2},{"step":5,"loss":1}],"eval_accuracy":[{"step":5,"loss":1}]}}]}`, []evidence.Point{{Step: 5, Loss: 1}}},
	}
	for name, test := range tests {
		records, _, err := Parse("full.json", []byte(test.log))
		if err != nil {
			t.Fatal(name, err)
		}
		run, _ := Run("x", time.Time{}, records)
		if got := run.Trials[0].Outcome.EvalAccuracy; !slices.Equal(got, test.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTrainerStateSchedule(t *testing.T) {
	records, _, err := Parse("trainer_state.json", []byte(trainerJSON))
	if err != nil {
		t.Fatal(err)
	}
	if s := records[0].Schedule; s.Shape != evidence.Linear || s.TotalSteps != 100 {
		t.Errorf("schedule %+v", s)
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct{ name, path, data, want string }{
		{"empty", "a.csv", " \n", "empty"},
		{"no loss", "a.csv", "step,accuracy\n1,0.5\n", "no loss"},
		{"no step", "a.csv", "loss\n3\n", "no step"},
		{"word for a loss", "a.csv", "step,loss\n1,3\n2,high\n", "line 3"},
		{"empty history", "trainer_state.json", `{"log_history": []}`, "empty log_history"},
		{"newer run", "run.json", `{"schema": 99, "trials": []}`, "schema 99"},
		{"no run", "c.json", `{"runs": {}}`, "no run"},
		{"cut json", "c.json", `{"runs": {"a"`, "no JSON"},
		{"run of strings", "c.json", `{"runs": {"a": {"train_loss_mean_of_250_steps": ["x"]}}}`, "no list of losses"},
		{"events of nothing", "events.out.tfevents.1", "", "no scalars"},
		{"events of noise", "events.out.tfevents.1", "this is no event file at all", "checksum"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := Parse(test.path, []byte(test.data))
			var refused *Error
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.want) || refused.Hint() == "" {
				t.Errorf("got %v, want %q and a hint", err, test.want)
			}
		})
	}
}

// record is a TFRecord of an Event with one scalar, as a writer makes it.
func record(step int, tag string, value float32, tensor bool) []byte {
	message := func(number int, body []byte) []byte {
		return append(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(number)<<3|wireBytes), uint64(len(body))), body...)
	}
	scalar := message(valueTag, []byte(tag))
	bits := binary.LittleEndian.AppendUint32(nil, math.Float32bits(value))
	if tensor {
		scalar = append(scalar, message(valueTensor, message(tensorFloat, bits))...)
	} else {
		scalar = append(append(scalar, valueSimple<<3|wireFixed32), bits...)
	}
	event := binary.AppendUvarint([]byte{eventStep<<3 | wireVarint}, uint64(step))
	event = append(event, message(eventSummary, message(summaryValue, scalar))...)
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(event)))
	out = binary.LittleEndian.AppendUint32(out, masked(out))
	return binary.LittleEndian.AppendUint32(append(out, event...), masked(event))
}

func events() []byte {
	var data []byte
	for step := 1; step <= 5; step++ {
		data = append(data, record(step*10, "train/loss", 3/float32(step), step%2 == 0)...)
	}
	return append(data, record(50, "eval/loss", 0.5, false)...)
}

func TestEvents(t *testing.T) {
	path := filepath.Join("full", "events.out.tfevents.17.host")
	records, warnings, err := Parse(path, events())
	if err != nil || len(warnings) != 0 {
		t.Fatal(err, warnings)
	}
	r := records[0]
	if len(r.Train) != 5 || len(r.Eval) != 1 || r.Train[1].Step != 20 || r.Train[1].Loss != 1.5 || r.Name != "full" || r.BlockSteps != 10 {
		t.Errorf("got %+v", r)
	}
	if _, warnings, err = Parse(path, events()[:len(events())-3]); err != nil || len(warnings) != 1 {
		t.Errorf("a record cut off by a running writer: %v, %v", err, warnings)
	}
	damaged := events()
	damaged[40] ^= 1
	if _, _, err = Parse(path, damaged); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("damage passed: %v", err)
	}
}

func TestReadLabelsAndFolders(t *testing.T) {
	dir := t.TempDir()
	for step, name := range map[int]string{40: "checkpoint-40", 100: "checkpoint-100"} {
		if err := os.MkdirAll(filepath.Join(dir, "run", name), 0o755); err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(trainerJSON, `"max_steps": 100`, `"max_steps": `+map[int]string{40: "40", 100: "100"}[step])
		if err := os.WriteFile(filepath.Join(dir, "run", name, "trainer_state.json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	records, _, err := Read([]string{filepath.Join(dir, "run"), "lora-r16=" + filepath.Join(dir, "run")})
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 2 || records[0].Name != "run" || records[0].TotalSteps != 100 || records[1].Method.Rank != 16 {
		t.Errorf("got %+v", records)
	}
	if _, _, err := Read([]string{filepath.Join(dir, "missing")}); err == nil {
		t.Error("a missing file passed")
	}
	if _, _, err := Read([]string{dir}); err == nil {
		t.Error("a folder without logs passed")
	}
}

func TestMethodOf(t *testing.T) {
	tests := map[string]evidence.Method{
		"full":                     {Kind: evidence.Full},
		"full-finetuning--llama":   {Kind: evidence.Full},
		"lora-r8":                  {Kind: evidence.LoRA, Rank: 8},
		"LoRA rank=16 alpha=32":    {Kind: evidence.LoRA, Rank: 16, Alpha: 32},
		"lora--x-rank64-rslora":    {Kind: evidence.LoRA, Rank: 64, Variant: "rslora"},
		"lora--x-rank32-dora":      {Kind: evidence.LoRA, Rank: 32, Variant: "dora"},
		"boft--llama-3.2-3B":       {},
		"fulfilment":               {},
		"exploration-without-rank": {},
	}
	for label, want := range tests {
		if got := MethodOf(label); got != want {
			t.Errorf("%s: %+v, want %+v", label, got, want)
		}
	}
}

func TestRun(t *testing.T) {
	records := []Record{
		{Name: "Full #1", Method: evidence.Method{Kind: evidence.Full}, Eval: []evidence.Point{{Step: 0, Loss: 3}, {Step: 10, Loss: math.NaN()}}, TotalSteps: 20},
		{Name: "full--1", Method: evidence.Method{}, Train: []evidence.Point{{Step: 0, Loss: 3}, {Step: 10, Loss: 2}}, TotalSteps: 20},
	}
	run, warnings := Run("import-1", time.Unix(0, 0).UTC(), records)
	if run.Trials[0].ID == run.Trials[1].ID || run.Trials[0].Outcome.Status != evidence.Diverged ||
		run.Trials[1].Outcome.Status != evidence.CutByBudget || len(warnings) != 1 || run.Setup.HorizonSteps != 20 {
		t.Errorf("got %+v, %v", run.Trials, warnings)
	}
	if n := len(run.Trials[0].Outcome.EvalLoss); n != 1 {
		t.Errorf("%d points, want the finite one", n)
	}
}
