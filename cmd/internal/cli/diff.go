package cli

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"ftadvise/advisor"
	"ftadvise/cmd/internal/config"
)

func (a *app) diffVerb() (*cobra.Command, error) {
	cmd, err := verb("diff BEFORE AFTER", "compare two recommendations; each is a run, latest, or a recommendation.json", a.diff)
	if err != nil {
		return nil, err
	}
	cmd.Args = exactly("BEFORE", "AFTER")
	return cmd, nil
}

func (a *app) diff(cmd *cobra.Command, args []string) error {
	c, err := a.settings(cmd)
	if err != nil {
		return err
	}
	before, err := a.recommendation(c.Config, args[0])
	if err != nil {
		return err
	}
	after, err := a.recommendation(c.Config, args[1])
	if err != nil {
		return err
	}
	d := advisor.Diff(before, after)
	switch c.Output {
	case "json":
		return a.writeJSON(differenceOutput(d))
	case "markdown":
		_, err := io.WriteString(a.out, d.Markdown())
		return err
	}
	return a.printDifference(d)
}

// changeRow is one thing that changed, in diff's JSON.
type changeRow struct {
	Group  string `json:"group"`
	What   string `json:"what"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// diffOutput is diff's JSON.
type diffOutput struct {
	Schema  int         `json:"schema"`
	Before  string      `json:"before"`
	After   string      `json:"after"`
	Changed bool        `json:"changed"`
	Summary string      `json:"summary"`
	Rows    []changeRow `json:"rows"`
}

func differenceOutput(d advisor.Difference) diffOutput {
	out := diffOutput{1, d.Before, d.After, d.Changed, d.Summary, []changeRow{}}
	for _, row := range d.Rows {
		out.Rows = append(out.Rows, changeRow(row))
	}
	return out
}

func (a *app) printDifference(d advisor.Difference) error {
	if _, err := io.WriteString(a.out, printable(d.Summary)+"\n"); err != nil || len(d.Rows) == 0 {
		return err
	}
	t := table{head: []string{"about", "what", "before", "after"}}
	for _, row := range d.Rows {
		t.add(row.Group, row.What, row.Before, row.After)
	}
	return t.aligned(a.out)
}

// recommendation reads a file, or the advice in a run's folder.
func (a *app) recommendation(c config.Config, ref string) (*advisor.Recommendation, error) {
	if info, err := os.Stat(ref); err == nil && info.Mode().IsRegular() {
		data, err := os.ReadFile(ref)
		if err != nil {
			return nil, err
		}
		return decodeRecommendation(data, ref)
	}
	s, err := a.openStore(c)
	if err != nil {
		return nil, err
	}
	f, err := folder(s, ref)
	if err != nil {
		return nil, err
	}
	rec, err := readRecommendation(f)
	if err == nil && rec == nil {
		err = fail(exitInput, "ftadvise recommend --run "+advisor.ShellWords(ref), "%s: no advice was given from this run", ref)
	}
	return rec, err
}
