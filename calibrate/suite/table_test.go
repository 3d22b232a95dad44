package suite

import (
	"math"
	"os"
	"strings"
	"testing"

	"ftadvise/calibrate/evidence"
)

// TestDocumentHasTheTable holds the document to the curves.
func TestDocumentHasTheTable(t *testing.T) {
	tables, err := Tables("curves")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/decision-quality.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, table := range tables {
		if !strings.Contains(string(text), table) {
			t.Errorf("docs/decision-quality.md does not have the curves' table %s; run make suite-docs\n%s", name, table)
		}
	}
}

func TestAnswers(t *testing.T) {
	curve := func(method string, losses ...float64) Curve {
		c := Curve{Method: method, Data: "b/d"}
		for i, loss := range losses {
			c.Eval = append(c.Eval, evidence.Point{Step: 10 * i, Loss: loss})
		}
		return c
	}
	f := file{Runs: map[string]Curve{
		"a": curve("full", 3, 2.9, 2.6, 2.0), "b": curve("full", 3, 2.2), "c": curve("lora-r2", 3, 2.5, 2.3, 2.2), "d": curve("lora-r8", 3, 2.4, 2.1, 2.15),
	}}
	if got := f.answer(); got.String() != "full" || got.gap < 0.149 || got.gap > 0.151 {
		t.Errorf("got %v by %g", got, got.gap)
	}
	// The second of full's rates leads at step 10 and was left behind there.
	for step, want := range map[int]float64{10: 0.2, 20: -0.1, 30: 0.15} {
		if got := f.gapAt(step); math.Abs(got-want) > 1e-9 {
			t.Errorf("at step %d %g, want %g", step, got, want)
		}
	}
	// Whoever keeps the rates that led at step 10 sees full at 2.2 and rank 8 at 2.15.
	f.Runs["b"] = curve("full", 3, 2.2, 2.2, 2.2)
	if got := f.keptGap(10); got != "-0.050" {
		t.Errorf("with the early leaders' rates %s", got)
	}
	if _, lowest := f.best(evidence.LoRA, 30); lowest != 2.1 {
		t.Errorf("best checkpoint %g", lowest)
	}
	for gap, want := range map[float64]string{0.02: "full", -0.02: "LoRA", 0.005: "either"} {
		if got := (answer{gap}).String(); got != want {
			t.Errorf("%g: %s", gap, got)
		}
	}
}

func TestInsert(t *testing.T) {
	begins, ends := marks("suite")
	document := "a\n" + begins + "old" + ends + "z\n"
	tables := map[string]string{"suite": "| new |\n"}
	once, err := Insert(document, tables)
	if err != nil || strings.Contains(once, "old") || !strings.HasPrefix(once, "a\n") || !strings.HasSuffix(once, "z\n") {
		t.Fatalf("%v: %q", err, once)
	}
	if twice, err := Insert(once, tables); err != nil || twice != once {
		t.Errorf("%v: %q", err, twice)
	}
	if _, err := Insert("nothing", tables); err == nil {
		t.Error("a document without marks was written to")
	}
}
