package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

func (a *app) forecastVerb() (*cobra.Command, error) {
	cmd, err := verb("forecast RUN", "extrapolate a run's learning curves to a horizon; RUN is an ID, latest, or a run.json",
		a.forecast, "calibration.horizon")
	if err != nil {
		return nil, err
	}
	cmd.Args = exactly("RUN")
	return cmd, nil
}

// forecastOutput is forecast's JSON.
type forecastOutput struct {
	Schema       int                 `json:"schema"`
	Run          string              `json:"run"`
	HorizonSteps int                 `json:"horizon_steps"`
	Forecasts    []evidence.Forecast `json:"forecasts"`
	Gaps         []evidence.Gap      `json:"gaps"`
	Warnings     []evidence.Warning  `json:"warnings"`
}

func (a *app) forecast(cmd *cobra.Command, args []string) error {
	c, err := a.settings(cmd)
	if err != nil {
		return err
	}
	from, err := a.openRun(c.Config, args[0])
	if err != nil {
		return err
	}
	steps := c.Calibration.Horizon
	if steps == 0 {
		steps = from.run.Setup.HorizonSteps
	}
	forecasts, gaps, warnings, err := forecast.Arms(from.run, steps)
	if err != nil {
		return err
	}
	return a.printForecast(forecastOutput{1, from.run.ID, steps, forecasts, gaps, warnings}, c.Output)
}

func (a *app) printForecast(f forecastOutput, output string) error {
	if output == "json" {
		return a.writeJSON(f)
	}
	arms := table{head: []string{"arm", "steps seen", fmt.Sprintf("loss at step %d", f.HorizonSteps), "80 % interval", "best loss", "at step"}}
	for _, one := range f.Forecasts {
		arms.add(one.Method.String(), fmt.Sprint(one.SeenSteps), nats(one.Loss.P50), interval(one.Loss), nats(one.BestLoss.P50), fmt.Sprint(one.BestStep))
	}
	tables := []table{arms}
	if len(f.Gaps) > 0 {
		tables = append(tables, gapTable(f.Gaps))
	}
	a.warn(f.Warnings)
	return a.printTables(output, tables...)
}

func gapTable(gaps []evidence.Gap) table {
	t := table{head: []string{"against full", "LoRA's loss less full's", "80 % interval", "P(full is better)", "evidence", "more steps"}}
	for _, g := range gaps {
		t.add(g.LoRAMethod.String(), nats(g.AtHorizon.P50), interval(g.AtHorizon), fmt.Sprintf("%.0f %%", 100*g.PFullBetter), string(g.Regime), fmt.Sprint(g.MoreSteps))
	}
	return t
}

func nats(v float64) string { return fmt.Sprintf("%.4f", v) }

func interval(d evidence.Distribution) string { return fmt.Sprintf("%.4f to %.4f", d.P10, d.P90) }

// warn says a result's doubts on stderr, one line each.
func (a *app) warn(warnings []evidence.Warning) {
	for _, w := range warnings {
		a.voice().warning(w.Text)
	}
}
