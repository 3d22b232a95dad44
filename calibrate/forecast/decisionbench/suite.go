package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"ftadvise/calibrate/decision"
	"ftadvise/calibrate/forecast"
	"ftadvise/calibrate/history"
)

// What the suite is asked: to which step, how close is a tie, and what a LoRA step costs
// beside one of full.
const (
	suiteHorizon = 1500
	tieNats      = 0.01
	loraStep     = 0.7
)

// margins are what full has to gain to be worth what it costs more, fixed before any
// of them was scored: nothing, and from hardly more than a tie to what a hard domain gives.
func margins() []float64 { return []float64{0, 0.05, 0.1, 0.2, 0.4} }

// probes are the calibrations that are replayed: 15 % of one full run for everything
// together, and for each arm, with LoRA at two ranks.
func probes() []decision.Probe {
	p := decision.Probe{Ranks: []int{8, 32}, Share: 0.15, Rates: 3, Horizon: suiteHorizon, LoRAStep: loraStep, Margins: margins()}
	each := p
	each.EachArm = true
	return []decision.Probe{p, each}
}

// decisions replays the suite in a folder and prints how good the decisions are.
func decisions(out io.Writer, folder string) error {
	s, err := readSuite(folder)
	if err != nil {
		return err
	}
	describe(out, s)
	known := s.Teach(forecast.Between(0.018, 0.17))
	for _, p := range probes() {
		if err := replay(out, s, p, known); err != nil {
			return err
		}
	}
	associations(out, s.Features(suiteHorizon, probes()[0].Ranks...))
	return nil
}

// readSuite reads the curve files of a folder.
func readSuite(folder string) (decision.Suite, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return decision.Suite{}, err
	}
	var curves []forecast.Curve
	facts := map[string]decision.Facts{}
	for _, file := range files {
		records, _, err := history.Read([]string{file})
		if err != nil {
			return decision.Suite{}, err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return decision.Suite{}, err
		}
		if facts[records[0].Data], err = decision.ParseFacts(text); err != nil {
			return decision.Suite{}, fmt.Errorf("%s: %w", file, err)
		}
		curves = append(curves, history.Curves(records)...)
	}
	s := decision.Suite{Cases: decision.Cases(curves, facts, suiteHorizon), TieNats: tieNats}
	if len(s.Cases) == 0 {
		return s, fmt.Errorf("%s: no file has full and LoRA curves at constant rates that reach step %d", folder, suiteHorizon)
	}
	return s, nil
}

// replay plays one kind of calibration and prints its tables.
func replay(out io.Writer, s decision.Suite, p decision.Probe, known decision.Libraries) error {
	plain, err := s.Play(p, nil)
	if err != nil {
		return err
	}
	taught, err := s.Play(p, known)
	if err != nil {
		return err
	}
	shipped := decision.Forecasts("as shipped", taught, p)
	own := decision.LastValue("last value, rates as the search left them", plain, p)
	title(out, p, taught)
	rivals := append(decision.Baselines(taught, p), own, shipped)
	fmt.Fprintf(out, "All margins together:\n\n")
	verdicts(out, s, rivals)
	fmt.Fprintf(out, "\nNo margin: is full the better at all?\n\n")
	verdicts(out, s, at(rivals, 0))
	byMargin(out, s, rivals)
	failures(out, shipped.Score(s.TieNats))
	fmt.Fprintf(out, "\nWhat earns its place, all margins together:\n\n")
	verdicts(out, s, []decision.Verdicts{
		shipped,
		decision.Forecasts("without finished curves: the laws alone", plain, p),
		decision.Unpaired("without pairing: arms forecast by themselves", taught, p),
	})
	reliability(out, shipped.Reliability(s.TieNats))
	answers(out, decision.Answers(taught, p, s.TieNats))
	coverages(out, decision.Coverages(taught, p))
	rates(out, decision.Rates(taught, plain, p, s.TieNats))
	return nil
}

// at keeps what was said about one margin.
func at(rows []decision.Verdicts, margin float64) []decision.Verdicts {
	var out []decision.Verdicts
	for _, v := range rows {
		out = append(out, v.At(margin))
	}
	return out
}
