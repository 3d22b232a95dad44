package reports_test

import (
	"strings"
	"testing"

	"ftadvise/advisor"
)

// everywhere answers by model size and narrowness, so that its map has regions.
type everywhere struct{}

func (everywhere) Decide(f advisor.Features) (advisor.Verdict, error) {
	switch {
	case f["target_params"] > 2e10:
		return advisor.Verdict{Answer: advisor.UseLoRA}, nil
	case f["narrowness"] < 0.3 && f["target_params"] < 1e9:
		return advisor.Verdict{Answer: advisor.UseFull}, nil
	case f["narrowness"] < 0.3:
		return advisor.Verdict{Answer: advisor.RaiseRank}, nil
	case f["narrowness"] < 0.5:
		return advisor.Verdict{Answer: advisor.Either}, nil
	}
	return advisor.Verdict{Answer: advisor.UseLoRA}, nil
}

// always gives one answer.
type always struct{}

func (always) Decide(advisor.Features) (advisor.Verdict, error) {
	return advisor.Verdict{Answer: advisor.UseLoRA}, nil
}

func TestDecisionMapAsksThePolicy(t *testing.T) {
	s := scenarios()["lora-wins"]
	s.opts.Decider = everywhere{}
	shown := string(page(t, s))
	for _, want := range []string{`id="map-chart"`, `class="cell t-full"`, `class="cell t-rank"`, `class="cell t-either"`, "this project, 94% sure"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%s is missing from the decision map", want)
		}
	}
	s.opts.Decider, s.rec.Stakes.MemoryBytes = always{}, 1e18 // everything fits
	if !strings.Contains(string(page(t, s)), "neither size nor narrowness changes the answer") {
		t.Error("a map of one colour does not say so")
	}
}
