package cli

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/store"
)

func (a *app) runsVerb() (*cobra.Command, error) {
	parent, err := verb("runs", "list, show or remove stored calibrations", a.listRuns)
	if err != nil {
		return nil, err
	}
	list, err := verb("list", "list the runs, newest first", a.listRuns)
	if err != nil {
		return nil, err
	}
	show, err := verb("show RUN", "print what a run found out; RUN is an ID, latest, or a run.json", a.showRun)
	if err != nil {
		return nil, err
	}
	remove, err := verb("rm RUN...", "remove runs with all their files", a.removeRuns)
	if err != nil {
		return nil, err
	}
	show.Args, remove.Args = exactly("RUN"), atLeast(1, "RUN")
	parent.AddCommand(list, show, remove)
	return parent, nil
}

// runRow is one run of runs list.
type runRow struct {
	ID        string         `json:"id"`
	CreatedAt time.Time      `json:"created_at"`
	State     evidence.State `json:"state"`
	Model     string         `json:"model"`
	Data      string         `json:"data"`
	Device    string         `json:"device"`
	Seconds   float64        `json:"seconds"`
}

// damageRow is a folder that is no whole run.
type damageRow struct {
	ID    string `json:"id"`
	Error string `json:"error"`
}

// runsOutput is runs list's JSON.
type runsOutput struct {
	Schema  int         `json:"schema"`
	Runs    []runRow    `json:"runs"`
	Damaged []damageRow `json:"damaged"`
}

func (a *app) listRuns(cmd *cobra.Command, _ []string) error {
	c, s, err := a.settingsAndStore(cmd)
	if err != nil {
		return err
	}
	runs, damaged, err := s.List()
	if err != nil {
		return err
	}
	return a.printRuns(runs, damaged, c.Output)
}

func (a *app) printRuns(runs []*evidence.Run, damaged []store.Damage, output string) error {
	out := runsOutput{Schema: 1, Runs: []runRow{}, Damaged: []damageRow{}}
	t := table{head: []string{"run", "created", "state", "model", "data", "device", "took"}}
	for _, r := range runs {
		out.Runs = append(out.Runs, runRow{r.ID, r.CreatedAt, r.State, r.Setup.Model.Name, r.Data.Name, r.Setup.Device, r.Seconds})
		t.add(r.ID, r.CreatedAt.UTC().Format("2006-01-02 15:04"), string(r.State), r.Setup.Model.Name, r.Data.Name, r.Setup.Device, seconds(r.Seconds))
	}
	for _, d := range damaged {
		out.Damaged = append(out.Damaged, damageRow{d.ID, d.Err.Error()})
		a.voice().warning(fmt.Sprintf("run %s cannot be read: %v", d.ID, d.Err))
	}
	if output == "json" {
		return a.writeJSON(out)
	}
	if len(runs) == 0 && output == "table" {
		a.voice().note("the store has no runs yet")
		return nil
	}
	return a.writeTable(t, output)
}

func (a *app) showRun(cmd *cobra.Command, args []string) error {
	c, err := a.settings(cmd)
	if err != nil {
		return err
	}
	from, err := a.openRun(c.Config, args[0])
	if err != nil {
		return err
	}
	return a.printRun(from.run, c.Output)
}

// printRun prints a run's trials, and all of it as JSON.
func (a *app) printRun(run *evidence.Run, output string) error {
	if output == "json" {
		return a.writeJSON(run)
	}
	var head table
	head.add("run", run.ID)
	head.add("state", string(run.State))
	known := func(name string, is bool, text string, args ...any) {
		if is { // logs of others' trainings say little of what was trained
			head.add(name, fmt.Sprintf(text, args...))
		}
	}
	setup := run.Setup
	known("model", setup.Model.Params > 0, "%s, %s parameters (%s)", setup.Model.Name, count(setup.Model.Params), setup.Model.Architecture)
	known("model", setup.Model.Params == 0, "%s", setup.Model.Name)
	known("data", run.Data.Records > 0, "%s, %d records, %s tokens", run.Data.Name, run.Data.Records, count(run.Data.Tokens))
	known("device", setup.Device != "", "%s, %s", setup.Device, setup.Precision)
	known("step", setup.SeqLength > 0, "%d rows of %d tokens", setup.MicroBatch*setup.Accumulation, setup.SeqLength)
	head.add("horizon", fmt.Sprintf("%d steps", run.Setup.HorizonSteps))
	a.warn(run.Warnings)
	return a.printTables(output, head, trialTable(run))
}

func trialTable(run *evidence.Run) table {
	t := table{head: []string{"trial", "method", "rate", "status", "steps", "held-out loss", "step time", "peak memory", "trainable"}}
	classes := slices.ContainsFunc(run.Trials, func(r evidence.TrialResult) bool { return len(r.Outcome.EvalAccuracy) > 0 })
	if classes {
		t.head = append(t.head, "accuracy")
	}
	for _, r := range run.Trials {
		o, loss, step := r.Outcome, "-", "-"
		if p, ok := o.LastEval(); ok {
			loss = fmt.Sprintf("%.4f", p.Loss)
		}
		if o.StepSeconds.N > 0 {
			step = seconds(o.StepSeconds.Median)
		}
		row := []string{r.ID, r.Method.String(), measuredOr(r.LearningRate > 0, fmt.Sprintf("%.2g", r.LearningRate)), string(o.Status),
			fmt.Sprint(o.Steps), loss, step, gibibytes(o.PeakAllocatedBytes), measuredOr(o.TrainableParams > 0, count(o.TrainableParams))}
		if classes {
			row = append(row, accuracyOf(o))
		}
		t.add(row...)
	}
	return t
}

// accuracyOf prints a trial's newest held-out accuracy.
func accuracyOf(o evidence.Outcome) string {
	p, ok := o.LastAccuracy()
	if !ok {
		return "-"
	}
	return percentage(p.Loss)
}

func percentage(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

func (a *app) removeRuns(cmd *cobra.Command, args []string) error {
	_, s, err := a.settingsAndStore(cmd)
	if err != nil {
		return err
	}
	for _, id := range args {
		if id == latest { // which another calibration may be by now
			return fail(exitUsage, "ftadvise runs list shows the IDs", "name the runs to remove by their IDs")
		}
		if err := s.Remove(id); err != nil {
			return err
		}
		a.voice().note("removed run %s", id)
	}
	return nil
}

// seconds prints a duration in the unit that suits it.
func seconds(s float64) string {
	switch {
	case s < 1:
		return fmt.Sprintf("%.1f ms", s*1000)
	case s < 100:
		return fmt.Sprintf("%.1f s", s)
	}
	return compactTime(s)
}

func compactTime(s float64) string {
	return (time.Duration(s) * time.Second).String()
}
