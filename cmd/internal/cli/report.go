package cli

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"ftadvise/advisor/policy"
	"ftadvise/cmd/internal/config"
	"ftadvise/reports"
)

// reportFlags are report's own.
type reportFlags struct {
	out       string
	compare   bool
	redact    bool
	summary   bool
	pdf       bool
	dashboard string
}

func (a *app) reportVerb() (*cobra.Command, error) {
	var f reportFlags
	cmd, err := verb("report [RUN]", "write a run's report as HTML, Markdown and JSON; RUN is an ID, latest (the default), or a run.json",
		func(cmd *cobra.Command, args []string) error { return a.makeReport(cmd, args, f) }, append(stakePaths(), "policy", "calibration.horizon")...)
	if err != nil {
		return nil, err
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if f.compare {
			return atLeast(2, "RUN")(cmd, args)
		}
		return atMost(1)(cmd, args)
	}
	cmd.Flags().BoolVar(&f.compare, "compare", false, "put several runs side by side: report --compare RUN RUN...")
	cmd.Flags().StringVar(&f.out, "out", "", "folder to write to; empty: the run's own")
	cmd.Flags().BoolVar(&f.summary, "summary", false, "print the answer in a few lines of plain text, to paste, and write no files")
	cmd.Flags().BoolVar(&f.redact, "redact", false, "leave out data samples and the names of files, hosts and labels")
	cmd.Flags().BoolVar(&f.pdf, "pdf", false, "print the HTML as PDF as well, by the Chromium that is installed")
	cmd.Flags().StringVar(&f.dashboard, "dashboard-url", "", "Grafana dashboard to link to")
	return cmd, nil
}

func (a *app) makeReport(cmd *cobra.Command, args []string, f reportFlags) error {
	c, err := a.settings(cmd)
	if err != nil {
		return err
	}
	if f.pdf && (f.compare || c.Output != "table") {
		return fail(exitUsage, "leave out --compare and --output", "--pdf prints one run's HTML report")
	}
	if f.summary && (f.compare || f.pdf || f.out != "" || c.Output != "table") {
		return fail(exitUsage, "leave out --compare, --pdf, --out and --output", "--summary prints one run's answer and writes no files")
	}
	p, err := loadPolicy(c)
	if err != nil {
		return err
	}
	opts := reports.Options{Now: a.now().UTC(), Version: version(), Redact: f.redact, DashboardURL: f.dashboard, Decider: p}
	if f.compare {
		entries, dir, err := a.entries(c, p, args)
		if err != nil {
			return err
		}
		return a.writeReport(reports.Compare(entries, opts), c.Output, cmp.Or(f.out, dir), "comparison")
	}
	from, rec, p, err := a.given(c, runOrLatest(args))
	if err != nil {
		return err
	}
	opts.Decider = p
	view, dir := reports.New(from.run, rec, opts), cmp.Or(f.out, from.dir)
	if f.summary {
		_, err := fmt.Fprint(a.out, view.Summary())
		return err
	}
	if err := a.writeReport(view, c.Output, dir, "report"); err != nil || !f.pdf {
		return err
	}
	return a.printPDF(cmd.Context(), dir)
}

// printPDF prints the report's HTML.
func (a *app) printPDF(ctx context.Context, dir string) error {
	path := filepath.Join(dir, "report.pdf")
	if err := reports.PDF(ctx, filepath.Join(dir, "report.html"), path); err != nil {
		return fail(exitEnvironment, "open report.html in a browser and print it", "%v", err)
	}
	_, err := fmt.Fprintln(a.out, path)
	return err
}

// entries reads runs and decides from each by the same stakes and policy, since else
// they could not be compared. The folder is the first run's.
func (a *app) entries(c *config.Loaded, p *policy.Policy, refs []string) ([]reports.Entry, string, error) {
	var out []reports.Entry
	dir := ""
	for i, ref := range refs {
		from, err := a.openRun(c.Config, ref)
		if err != nil {
			return nil, "", err
		}
		rec, err := a.decide(c, p, from.run)
		if err != nil {
			return nil, "", err
		}
		out = append(out, reports.Entry{Run: from.run, Recommendation: rec})
		if i == 0 {
			dir = from.dir
		}
	}
	return out, dir, nil
}

// printed is a report in its three forms.
type printed interface {
	HTML(w io.Writer) error
	Markdown(w io.Writer) error
	JSON(w io.Writer) error
}

// writeReport prints JSON or Markdown where that was asked for, and otherwise writes
// all three forms and names the files.
func (a *app) writeReport(v printed, output, dir, name string) error {
	switch output {
	case "json":
		return v.JSON(a.out)
	case "markdown":
		return v.Markdown(a.out)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	for _, form := range []struct {
		ending string
		print  func(io.Writer) error
	}{{".html", v.HTML}, {".md", v.Markdown}, {".json", v.JSON}} {
		path := filepath.Join(dir, name+form.ending)
		if err := writeWhole(path, form.print); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
		if _, err := fmt.Fprintln(a.out, path); err != nil {
			return err
		}
	}
	return nil
}

// writeWhole renders in memory first, so that a failure to render leaves what was there.
// The path may be no file at all, like /dev/stdout.
func writeWhole(path string, render func(io.Writer) error) error {
	var b bytes.Buffer
	if err := render(&b); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// stakePaths lists the settings that advice depends on, besides the policy.
func stakePaths() []string {
	var out []string
	for _, key := range config.Keys() {
		if strings.HasPrefix(key.Path, "stakes.") {
			out = append(out, key.Path)
		}
	}
	return out
}
