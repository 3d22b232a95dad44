package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// noArguments refuses what a verb would silently ignore.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fail(exitUsage, cmd.CommandPath()+" --help", "%s takes no argument, but got %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// exactly asks for one argument a name.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return fail(exitUsage, cmd.CommandPath()+" --help", "%s needs %s", cmd.CommandPath(), names[len(args)])
		}
		return noArguments(cmd, args[len(names):])
	}
}

// atLeast asks for so many or more of a kind.
func atLeast(n int, name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < n {
			return fail(exitUsage, cmd.CommandPath()+" --help", "%s needs %s", cmd.CommandPath(), strings.TrimSpace(strings.Repeat(name+" ", n)))
		}
		return nil
	}
}

// atMost allows for so many arguments.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return noArguments(cmd, args[n:])
		}
		return nil
	}
}
