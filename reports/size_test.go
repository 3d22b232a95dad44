package reports_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"ftadvise/calibrate/evidence"
	"ftadvise/reports"
)

// thousand is a run of a thousand trials, each with its curves.
func thousand() scenario { return trials(1000) }

// trials is a run of about so many trials.
func trials(n int) scenario {
	s := scenarios()["lora-wins"]
	for i := range n - 10 {
		t := s.run.Trials[len(s.run.Trials)-2]
		t.ID = fmt.Sprintf("full.probe-%d", i)
		t.Stage = []evidence.Stage{evidence.StageProbe, evidence.StageSearch, evidence.StageFit}[i%3]
		t.Method = lora(1 + i%64)
		t.Outcome.TrainLoss = curve(3, 2, 0.5, 2000, 2)
		s.run.Trials = append(s.run.Trials, t)
	}
	return s
}

func TestThousandTrialsStaySmall(t *testing.T) {
	s := thousand()
	var got []byte
	quickest := time.Hour // of three, since others may use the machine
	for range 3 {
		begin := time.Now()
		got = page(t, s)
		quickest = min(quickest, time.Since(begin))
	}
	if quickest > time.Second {
		t.Errorf("rendered in %v, want less than 1 s", quickest)
	}
	if len(got) > 2<<20 {
		t.Errorf("%d bytes, want at most 2 MiB", len(got))
	}
	if !bytes.Contains(got, []byte("the JSON report holds all")) {
		t.Error("what was left out is not said")
	}
	var md bytes.Buffer
	if err := reports.New(s.run, s.rec, s.opts).Markdown(&md); err != nil || len([]rune(md.String())) > 65_536 {
		t.Errorf("Markdown of %d bytes does not fit into a comment: %v", md.Len(), err)
	}
}

func TestUsualReportIsUnderOneMegabyte(t *testing.T) {
	for name, s := range scenarios() {
		if n := len(page(t, s)); n > 1<<20 {
			t.Errorf("%s: %d bytes", name, n)
		}
	}
}

func BenchmarkHTML(b *testing.B) {
	s := scenarios()["lora-wins"]
	for b.Loop() {
		page(b, s)
	}
}

// BenchmarkHTMLOfTrials shows that reports are linear in trials.
func BenchmarkHTMLOfTrials(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		s := trials(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				page(b, s)
			}
		})
	}
}
