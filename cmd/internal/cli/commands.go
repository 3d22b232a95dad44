package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"ftadvise/cmd/internal/config"
)

const about = `ftadvise measures whether full fine-tuning or LoRA is the better choice for one base
model, one dataset, one device and one training horizon, and says so in money and in
probability.

  ftadvise recommend --model DIR --data FILE

takes the newest calibration that matches, else runs one within --budget, then decides.`

// commands builds the tree of verbs.
func (a *app) commands() (*cobra.Command, error) {
	root := &cobra.Command{
		Use:               "ftadvise",
		Short:             "full fine-tuning or LoRA? Measured, priced, explained",
		Long:              about,
		Args:              cobra.ArbitraryArgs,
		RunE:              a.bare,
		Version:           version(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		PersistentPreRun:  func(*cobra.Command, []string) { a.started = true },
	}
	root.SuggestionsMinimumDistance = 2
	root.SetUsageFunc(usage)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		text, why, _ := strings.Cut(err.Error(), ": strconv.")
		if strings.HasPrefix(why, "ParseFloat") || strings.HasPrefix(why, "ParseInt") {
			return fail(exitUsage, "a number is plain: 5000 or 0.05, without separators or a unit", "%s", text)
		}
		text, _, unitless := strings.Cut(text, ": time: ")
		if unitless {
			return fail(exitUsage, "a duration has a unit: 90s, 5m, 1h30m", "%s", text)
		}
		return fail(exitUsage, cmd.CommandPath()+" --help lists the flags", "%s", text)
	})
	root.SetVersionTemplate("ftadvise {{.Version}}\n")
	root.CompletionOptions.DisableDescriptions = true
	flags := root.PersistentFlags()
	flags.StringVar(&a.configFile, "config", "", "settings file, instead of "+config.ProjectFile+" and the user's")
	flags.StringVar(&a.stakesFile, "stakes", "", "file with the keys of the stakes section alone")
	if err := config.AddFlags(flags, "output", "quiet", "store"); err != nil {
		return nil, err
	}
	for _, build := range a.verbs() {
		cmd, err := build()
		if err != nil {
			return nil, err
		}
		root.AddCommand(cmd)
	}
	return root, nil
}

// verbs lists the commands in the order of the help.
func (a *app) verbs() []func() (*cobra.Command, error) {
	return []func() (*cobra.Command, error){
		a.recommendVerb, a.calibrateVerb, a.planVerb, a.reportVerb, a.runsVerb, a.policyVerb, a.forecastVerb, a.estimateVerb,
		a.importVerb, a.diffVerb, a.outcomeVerb, a.auditVerb,
		a.exportConfigVerb, a.exportMetricsVerb, a.dashboardVerb, a.demoVerb,
		a.serveVerb, a.doctorVerb, a.configVerb, a.versionVerb,
	}
}

// bare is ftadvise without a verb, or with one that does not exist.
func (a *app) bare(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	hint := a.usageHint()
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean ftadvise " + strings.Join(near, " or ftadvise ") + "?"
	}
	return fail(exitUsage, hint, "unknown verb %q", args[0])
}

// verb makes a command with the flags of these settings.
func verb(use, short string, run func(*cobra.Command, []string) error, paths ...string) (*cobra.Command, error) {
	cmd := &cobra.Command{Use: use, Short: short, Args: noArguments, RunE: run}
	cmd.Flags().SortFlags = false // in the order of config.yaml
	if err := config.AddFlags(cmd.Flags(), paths...); err != nil {
		return nil, fmt.Errorf("%s: %w", use, err)
	}
	return cmd, nil
}
