package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ftadvise/cmd/internal/config"
)

// flagGroup is the flags of one section of the settings.
type flagGroup struct {
	section, title string
}

// flagGroups lists the groups in the order of the help: what most people need comes
// first, and what is money comes together.
func flagGroups() []flagGroup {
	return []flagGroup{
		{"", "Flags"},
		{"calibration", "Calibration"},
		{"lora", "LoRA"},
		{"dataset", "Dataset"},
		{"optimizer", "Optimizer"},
		{"stakes", "Stakes"},
		{"serve", "Serving"},
	}
}

// usage prints how a verb is used, its flags by section: with seventy of them an
// alphabet helps nobody.
func usage(cmd *cobra.Command) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage:\n  %s\n", cmd.UseLine())
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\nVerbs:\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-16s %s\n", c.Name(), c.Short)
			}
		}
	}
	b.WriteString(groupedFlags(cmd.LocalNonPersistentFlags()))
	if global := cmd.Root().PersistentFlags().FlagUsages(); global != "" {
		fmt.Fprintf(&b, "\nFlags of every verb:\n%s", global)
	}
	_, err := fmt.Fprint(cmd.OutOrStderr(), b.String())
	return err
}

// groupedFlags prints flags under the titles of their sections.
func groupedFlags(flags *pflag.FlagSet) string {
	sections := map[string]string{}
	for _, key := range config.Keys() {
		if section, _, nested := strings.Cut(key.Path, "."); nested {
			sections[key.Flag] = section
		}
	}
	var b strings.Builder
	for _, group := range flagGroups() {
		set := pflag.NewFlagSet(group.title, pflag.ContinueOnError)
		set.SortFlags = false
		flags.VisitAll(func(f *pflag.Flag) {
			if sections[f.Name] == group.section {
				set.AddFlag(f)
			}
		})
		if text := set.FlagUsages(); text != "" {
			fmt.Fprintf(&b, "\n%s:\n%s", group.title, text)
		}
	}
	return b.String()
}
