package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"ftadvise/calibrate/decision"
	"ftadvise/calibrate/history"
)

// decisions replays the suite in a folder and prints how good the decisions are.
func decisions(out io.Writer, folder string, _ []string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return err
	}
	records, _, err := history.Read(files)
	if err != nil {
		return err
	}
	facts, err := factsIn(files)
	if err != nil {
		return err
	}
	s := decision.Suite{Cases: decision.Cases(history.Curves(records), facts, 1500), TieNats: 0.01}
	known := s.Teach()
	for _, p := range []decision.Probe{
		{Ranks: []int{8, 32}, Share: 0.15, Rates: 3, Horizon: 1500, LoRAStep: 0.7, Evaluation: 0.5},
		{Ranks: []int{8, 32}, Share: 0.15, EachArm: true, Rates: 3, Horizon: 1500, LoRAStep: 0.7, Evaluation: 0.5},
	} {
		if err := verdicts(out, s, p, known); err != nil {
			return err
		}
	}
	return nil
}

// factsIn reads what the files say of their data sets.
func factsIn(files []string) (map[string]decision.Facts, error) {
	out := map[string]decision.Facts{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		records, _, err := history.Read([]string{file})
		if err != nil {
			return nil, err
		}
		if out[records[0].Data], err = decision.ParseFacts(text); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return out, nil
}

func verdicts(out io.Writer, s decision.Suite, p decision.Probe, known decision.Libraries) error {
	plain, err := s.Play(p, nil)
	if err != nil {
		return err
	}
	taught, err := s.Play(p, known)
	if err != nil {
		return err
	}
	rows := append(decision.Baselines(plain, p), decision.Forecasts("laws alone", plain, p), decision.Forecasts("with finished curves", taught, p))
	fmt.Fprintln(out, "| decider | right method | regret, nats | Brier | data sets | ties |")
	fmt.Fprintln(out, "| --- | --- | --- | --- | --- | --- |")
	var failures []string
	for _, v := range rows {
		score := v.Score(s.TieNats)
		fmt.Fprintf(out, "| %s | %v | %.4f | %v | %d | %d |\n", score.Decider, score.Accuracy, score.Regret.Value, score.Brier, score.Data, score.Ties)
		failures = score.Failures
	}
	fmt.Fprintln(out)
	for _, f := range failures {
		fmt.Fprintln(out, "-", f)
	}
	rates(out, decision.Rates(plain, p, s.TieNats))
	return nil
}

func rates(out io.Writer, scores []decision.RateScore) {
	fmt.Fprintln(out, "\n| learning rate by | arms | within twice the best | costs, nats |")
	fmt.Fprintln(out, "| --- | --- | --- | --- |")
	for _, r := range scores {
		fmt.Fprintf(out, "| %s | %d | %v | %v |\n", r.Chooser, r.Arms, r.Near, r.Cost)
	}
}
