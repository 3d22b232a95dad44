package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
	"ftadvise/calibrate/history"
	"ftadvise/cmd/internal/config"
)

func (a *app) forecastVerb() (*cobra.Command, error) {
	var seen float64
	cmd, err := verb("forecast RUN | [LABEL=]FILE...", "extrapolate learning curves to a horizon: a stored run's, or those of other trainers' logs",
		func(cmd *cobra.Command, args []string) error { return a.forecast(cmd, args, seen) }, "calibration.horizon")
	if err != nil {
		return nil, err
	}
	cmd.Args = atLeast(1, "RUN|FILE")
	cmd.Flags().Float64Var(&seen, "seen", 0, "look at this share of the horizon only; 0: at all that was logged (files)")
	return cmd, nil
}

func (a *app) forecast(cmd *cobra.Command, args []string, seen float64) error {
	c, err := a.settings(cmd)
	if err != nil {
		return err
	}
	if run, ok := a.runNamed(c.Config, args); ok {
		return a.forecastRun(c, run)
	}
	if c.Calibration.Horizon == 0 {
		return fail(exitUsage, "--horizon STEPS says how long the training will be", "curves from files need a horizon")
	}
	result, err := history.Forecast(args, seen, c.Calibration.Horizon)
	if err != nil {
		return err
	}
	return a.printCurves(result, c.Output)
}

// runNamed reports whether the arguments name one run of ftadvise rather than logs.
func (a *app) runNamed(c config.Config, args []string) (source, bool) {
	if len(args) != 1 {
		return source{}, false
	}
	if info, err := os.Stat(args[0]); err == nil {
		run, err := readRun(args[0])
		return source{run: run}, err == nil && run != nil && !info.IsDir() && run.ID != ""
	}
	if _, path, labelled := strings.Cut(args[0], "="); labelled && path != "" {
		return source{}, false
	}
	from, err := a.openRun(c, args[0])
	return from, err == nil
}

// forecastOutput is forecast's JSON for a run.
type forecastOutput struct {
	Schema       int                 `json:"schema"`
	Run          string              `json:"run"`
	HorizonSteps int                 `json:"horizon_steps"`
	Forecasts    []evidence.Forecast `json:"forecasts"`
	Gaps         []evidence.Gap      `json:"gaps"`
	Warnings     []evidence.Warning  `json:"warnings"`
}

func (a *app) forecastRun(c *config.Loaded, from source) error {
	steps := c.Calibration.Horizon
	if steps == 0 {
		steps = from.run.Setup.HorizonSteps
	}
	forecasts, gaps, warnings, err := forecast.Arms(from.run, steps)
	if err != nil {
		return err
	}
	f := forecastOutput{1, from.run.ID, steps, forecasts, gaps, warnings}
	if c.Output == "json" {
		return a.writeJSON(f)
	}
	a.warn(warnings)
	tables := []table{armTable(f)}
	if len(gaps) > 0 {
		tables = append(tables, gapTable(gaps))
	}
	return a.printTables(c.Output, tables...)
}

func armTable(f forecastOutput) table {
	t := table{head: []string{"arm", "steps seen", fmt.Sprintf("loss at step %d", f.HorizonSteps), "80 % interval", "stop at", "loss there"}}
	for _, one := range f.Forecasts {
		stop, loss := "horizon", "-"
		if one.Stop != nil && one.Stop.Step < f.HorizonSteps {
			stop, loss = fmt.Sprint(one.Stop.Step), nats(one.BestLoss.Mean)
		}
		t.add(one.Method.String(), fmt.Sprint(one.SeenSteps), nats(one.Loss.Mean), lossInterval(one.Loss), stop, loss)
	}
	return t
}

func gapTable(gaps []evidence.Gap) table {
	t := table{head: []string{"against full", "LoRA's loss less full's", "80 % interval", "P(full is better)", "evidence", "more steps"}}
	for _, g := range gaps {
		t.add(g.LoRAMethod.String(), nats(g.AtHorizon.Mean), interval(g.AtHorizon), fmt.Sprintf("%.0f %%", 100*g.PFullBetter), string(g.Regime), measuredOr(g.MoreSteps > 0, fmt.Sprint(g.MoreSteps)))
	}
	return t
}

func (a *app) printCurves(r forecast.CurvesResult, output string) error {
	if output == "json" {
		return a.writeJSON(r)
	}
	a.warn(r.Warnings)
	runs := table{head: []string{"curve", "steps seen", fmt.Sprintf("loss at step %d", r.Horizon), "80 % interval"}}
	for _, one := range r.Runs {
		runs.add(one.Name, fmt.Sprint(one.SeenSteps), nats(one.Forecast.Mean), lossInterval(evidence.Distribution{P10: one.Forecast.P10, P90: one.Forecast.P90}))
	}
	pairs := table{head: []string{"curve", "against", "P(the former ends lower)"}}
	for _, p := range r.Pairs {
		pairs.add(p.A, p.B, fmt.Sprintf("%.0f %%", 100*p.PABetter))
	}
	if len(r.Pairs) == 0 {
		return a.printTables(output, runs)
	}
	return a.printTables(output, runs, pairs)
}

func nats(v float64) string { return fmt.Sprintf("%.4f", v) }

// lossInterval is an interval of a loss, which is never below zero, however wide the doubt.
func lossInterval(d evidence.Distribution) string {
	d.P10 = max(0, d.P10)
	return interval(d)
}

func interval(d evidence.Distribution) string { return fmt.Sprintf("%.4f to %.4f", d.P10, d.P90) }

// warn says a result's doubts on stderr, one line each.
func (a *app) warn(warnings []evidence.Warning) {
	for _, w := range warnings {
		a.voice().warning(w.Text)
	}
}
