// Command decisionbench scores the forecasts on finished curves and makes the
// library that is embedded.
//
//	go run ./calibrate/forecast/decisionbench [-shares 0.2,0.3,0.5] FILE...
//	go run ./calibrate/forecast/decisionbench -suite FOLDER
//	go run ./calibrate/forecast/decisionbench -library calibrate/forecast/library.json FILE...
//
// It prints a Markdown table: every forecaster at every share of the horizon, each
// figure with a 90 % bootstrap interval over method families, none of which a fitted
// forecaster has seen when it is scored on it.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"ftadvise/calibrate/forecast"
	"ftadvise/calibrate/history"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "decisionbench:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("decisionbench", flag.ContinueOnError)
	horizon := flags.Int("horizon", 5000, "optimizer steps of the target")
	ceiling := flags.Float64("ceiling", 0.72, "leave curves that end above this loss out of the pairs")
	list := flags.String("shares", "0.2,0.3,0.5", "shares of the horizon to see")
	library := flags.String("library", "", "write a library made of the curves to this file, and score nothing")
	suite := flags.String("suite", "", "replay calibrations on the finished curves in this folder")
	with := flags.String("with", "", "use this library instead of the embedded one")
	failures := flags.Bool("failures", false, "name the pairs that were called wrongly with confidence")
	asJSON := flags.Bool("json", false, "print JSON")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *suite != "" {
		return decisions(out, *suite)
	}
	records, _, err := history.Read(flags.Args())
	if err != nil {
		return err
	}
	curves := history.Curves(records)
	if *library != "" {
		return writeLibrary(*library, curves)
	}
	shares, err := numbers(*list)
	if err != nil {
		return err
	}
	known, err := readLibrary(*with)
	if err != nil {
		return err
	}
	scores, err := forecast.Replay{Curves: curves, Horizon: *horizon, Ceiling: *ceiling, Library: known}.Run(shares)
	if err != nil {
		return err
	}
	if *asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", " ")
		return encoder.Encode(scores)
	}
	table(out, scores, *failures)
	return nil
}

// readLibrary reads a library, or takes the embedded one.
func readLibrary(path string) (*forecast.Library, error) {
	if path == "" {
		return forecast.Embedded()
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("-with: %w", err)
	}
	return forecast.ParseLibrary(text)
}

func numbers(list string) ([]float64, error) {
	var out []float64
	for _, text := range strings.Split(list, ",") {
		x, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return nil, fmt.Errorf("-shares: %w", err)
		}
		out = append(out, x)
	}
	return out, nil
}

// writeLibrary makes the library and says by which command. Further seeds teach nothing:
// they have one learning rate each.
func writeLibrary(path string, curves []forecast.Curve) error {
	l := forecast.BuildLibrary(slices.DeleteFunc(curves, func(c forecast.Curve) bool { return c.Seed > 1 }))
	l.Command = "go run ./calibrate/forecast/decisionbench -library calibrate/forecast/library.json FILE..."
	text, err := l.Encode()
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

func table(out io.Writer, scores []forecast.Score, failures bool) {
	fmt.Fprintln(out, "| seen | forecaster | pairs right | regret, nats | Brier | right at confidence 0.8 | on share of pairs | calibration error | 80 % interval covers | its width, nats | CRPS, nats |")
	fmt.Fprintln(out, "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, s := range scores {
		fmt.Fprintf(out, "| %.0f %% | %s | %v | %.5f | %v | %v | %v | %.3f | %v | %.3f | %.4f |\n", 100*s.Share, s.Forecaster,
			s.Accuracy, s.Regret.Value, s.Brier, s.Selective, s.SelectiveShare, s.Calibration, s.Coverage, s.Width, s.CRPS)
	}
	if !failures {
		return
	}
	for _, s := range scores {
		fmt.Fprintf(out, "\n%s at %.0f %%:\n", s.Forecaster, 100*s.Share)
		for _, f := range s.Failures {
			fmt.Fprintln(out, "-", f)
		}
	}
}
