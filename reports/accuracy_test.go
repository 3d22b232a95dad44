package reports_test

import (
	"bytes"
	"strings"
	"testing"

	"ftadvise/calibrate/evidence"
	"ftadvise/reports"
)

// TestAccuracy: a report of classification data draws accuracy; others do not speak of it.
func TestAccuracy(t *testing.T) {
	s := scenarios()["lora-wins"]
	page := func() string {
		var out bytes.Buffer
		view := reports.New(s.run, s.rec, s.opts)
		if err := view.Markdown(&out); err != nil {
			t.Fatal(err)
		}
		if err := view.HTML(&out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if strings.Contains(page(), "Held-out accuracy") {
		t.Error("accuracy of data that have none")
	}
	for i := range s.run.Trials {
		if o := &s.run.Trials[i].Outcome; len(o.EvalLoss) > 1 {
			o.EvalAccuracy = []evidence.Point{{Step: 0, Loss: 0.25}, {Step: o.Steps / 2, Loss: 0.90625}, {Step: o.Steps, Loss: 0.875}}
		}
	}
	s.run.Domain.BaseAccuracy = new(0.25)
	for _, want := range []string{"accuracy-chart", "Held-out accuracy", "90.6%", "87.5%", "25.0%", "Base model's accuracy here"} {
		if !strings.Contains(page(), strings.ReplaceAll(want, "'", "&#39;")) && !strings.Contains(page(), want) {
			t.Errorf("no %q", want)
		}
	}
}
