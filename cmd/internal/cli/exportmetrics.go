package cli

import (
	"context"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"ftadvise/advisor"
	"ftadvise/calibrate/store"
	"ftadvise/reports/metrics"
)

// leaveFlags say which ways out were asked for.
type leaveFlags struct {
	textfile, openmetrics, push, project string
}

func (a *app) exportMetricsVerb() (*cobra.Command, error) {
	var f leaveFlags
	cmd, err := verb("export-metrics [RUN]", "hand a finished run's measurements to Prometheus without a server; RUN is an ID, latest (the default), or a run.json",
		func(cmd *cobra.Command, args []string) error { return a.exportMetrics(cmd, args, f) })
	if err != nil {
		return nil, err
	}
	cmd.Args = atMost(1)
	flags := cmd.Flags()
	flags.StringVar(&f.textfile, "textfile", "", "write this file for node_exporter's textfile collector")
	flags.StringVar(&f.openmetrics, "openmetrics", "", "write this file for promtool tsdb create-blocks-from openmetrics")
	flags.StringVar(&f.push, "push", "", "push to the Pushgateway at this URL")
	flags.StringVar(&f.project, "project", "ftadvise", "group on the Pushgateway, one a project")
	return cmd, nil
}

func (a *app) exportMetrics(cmd *cobra.Command, args []string, f leaveFlags) error {
	if f.textfile == "" && f.openmetrics == "" && f.push == "" {
		return fail(exitUsage, "give one or more of --textfile FILE, --openmetrics FILE, --push URL", "nowhere to export to")
	}
	c, err := a.settings(cmd)
	if err != nil {
		return err
	}
	from, err := a.openRun(c.Config, runOrLatest(args))
	if err != nil {
		return err
	}
	if err := a.leave(cmd.Context(), from, f); err != nil {
		return err
	}
	written := slices.DeleteFunc([]string{f.textfile, f.openmetrics}, func(path string) bool { return path == "" })
	return a.printFiles(written, c.Output)
}

// leave sends a run, with its advice where there is some, each way that was asked for.
func (a *app) leave(ctx context.Context, from source, f leaveFlags) error {
	rec, err := adviceOf(from.folder)
	if err != nil {
		return err
	}
	exporter := metrics.NewExporter(nil, metrics.Options{Version: version(), Now: a.now})
	exporter.PublishRun(from.run)
	if rec != nil {
		exporter.Publish(rec)
	}
	if f.textfile != "" {
		if err := exporter.WriteTextfile(f.textfile); err != nil {
			return err
		}
	}
	if f.openmetrics != "" {
		err := writeWhole(f.openmetrics, func(w io.Writer) error { return metrics.WriteOpenMetrics(w, from.run, rec) })
		if err != nil {
			return err
		}
	}
	if f.push == "" {
		return nil
	}
	if err := exporter.Push(ctx, f.push, f.project); err != nil {
		return fail(exitEnvironment, "is a Pushgateway there?", "%v", err)
	}
	a.voice().note("run %s is pushed, as the group %s", from.run.ID, f.project)
	return nil
}

// adviceOf is the advice in a run's folder, where it has one.
func adviceOf(f *store.Folder) (*advisor.Recommendation, error) {
	if f == nil {
		return nil, nil
	}
	return readRecommendation(f)
}
