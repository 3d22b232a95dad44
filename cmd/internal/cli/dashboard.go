package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"ftadvise/reports/dashboard"
)

func (a *app) dashboardVerb() (*cobra.Command, error) {
	var out, reports string
	cmd, err := verb("dashboard", "write a Grafana dashboard with Prometheus scrape configuration, rules and a compose file",
		func(cmd *cobra.Command, _ []string) error { return a.dashboard(cmd, out, reports) }, "serve.addr")
	if err != nil {
		return nil, err
	}
	cmd.Flags().StringVar(&out, "out", "dashboard", "folder to write to")
	cmd.Flags().StringVar(&reports, "report-url", "", "where reports are published, to link to; ${run} stands for the run")
	return cmd, nil
}

func (a *app) dashboard(cmd *cobra.Command, out, reports string) error {
	c, err := a.settings(cmd)
	if err != nil {
		return err
	}
	paths, err := dashboard.Write(out, dashboard.Options{Target: c.Serve.Addr, ReportURL: reports})
	if err != nil {
		return err
	}
	return a.printFiles(paths, c.Output)
}

// printFiles names the files that a verb wrote.
func (a *app) printFiles(paths []string, output string) error {
	if output == "json" {
		return a.writeJSON(filesOutput{1, paths})
	}
	for _, path := range paths {
		if _, err := fmt.Fprintln(a.out, path); err != nil {
			return err
		}
	}
	return nil
}

// filesOutput is the JSON of verbs that write files.
type filesOutput struct {
	Schema int      `json:"schema"`
	Files  []string `json:"files"`
}
