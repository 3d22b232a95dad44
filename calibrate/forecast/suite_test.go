package forecast

import (
	"strings"
	"testing"

	"ftadvise/calibrate/evidence"
)

func TestSuiteScoresDeciders(t *testing.T) {
	library := fiveDomains()
	s := Suite{Curves: domains(5), Horizon: 2000, TieNats: 0.01, Library: &library}
	verdicts, err := s.Run(0.045)
	if err != nil {
		t.Fatal(err)
	}
	scores := map[string]DecisionScore{}
	for _, v := range verdicts {
		scores[v.Decider] = v.Score(s.TieNats)
	}
	truth, _ := s.truth(s.of("d0"))
	if truth <= 0.01 {
		t.Fatalf("the test wants full ahead at the horizon, by more than a tie; it is %v", truth)
	}
	if last, full := scores["last value"], scores["always full"]; full.Accuracy.Value != 1 || last.Accuracy.Value > 0.5 || len(last.Failures) < 3 {
		t.Errorf("always full is right in %v, the last value in %v", full.Accuracy, last.Accuracy)
	}
	if shipped := scores["as shipped"]; shipped.Accuracy.Value != 1 || shipped.Brier.Value > 0.2 || shipped.Regret.Value != 0 {
		t.Errorf("with the other domains' curves: %+v", shipped)
	}
}

func TestSuiteRefusesOneMethod(t *testing.T) {
	var full []Curve
	for _, c := range domains(2) {
		if c.Method.Kind == evidence.Full {
			full = append(full, c)
		}
	}
	_, err := Suite{Curves: full, Horizon: 2000, Library: &Library{}}.Run(0.1)
	if err == nil || !strings.Contains(err.Error(), "full and LoRA") {
		t.Errorf("got %v", err)
	}
}

func TestSearchedKeepsTheBestRate(t *testing.T) {
	c := domains(1)[:1]
	slow := c[0]
	slow.Rate = 1e-6
	slow.Points = nil
	for _, p := range c[0].Points {
		slow.Points = append(slow.Points, evidence.Point{Step: p.Step, Loss: p.Loss + 0.5})
	}
	if kept := searched([]Curve{slow, c[0]}, 100); len(kept) != 1 || kept[0].Rate != c[0].Rate {
		t.Errorf("kept %+v", kept)
	}
}
