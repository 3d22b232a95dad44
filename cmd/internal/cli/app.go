package cli

import (
	"context"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ftadvise/cmd/internal/config"
)

// app is what every verb may touch.
type app struct {
	environ  []string
	in       io.Reader
	out, err io.Writer
	now      func() time.Time

	root       *cobra.Command
	configFile string
	stakesFile string
	quiet      bool
	advising   bool // what is calibrated is to be decided from
	started    bool // a verb began; errors before that are usage errors
	metrics    *exposed
	profile    string // file for a trace of each method's steps; empty for none
}

func (a *app) voice() voice { return voice{w: a.err, quiet: a.quiet} }

// env returns a variable's last value.
func (a *app) env(name string) string {
	value := ""
	for _, pair := range a.environ {
		if v, ok := strings.CutPrefix(pair, name+"="); ok {
			value = v
		}
	}
	return value
}

// run builds the verbs and carries out the one that was asked for.
func (a *app) run(ctx context.Context, args []string) error {
	root, err := a.commands()
	if err != nil {
		return err
	}
	a.root = root
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		completion.Short = "print what makes a shell complete verbs and flags: bash, zsh, fish or powershell"
	}
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	defer a.conceal(ctx)
	return root.ExecuteContext(ctx)
}

// settings loads the configuration for a verb and refuses what no run can use.
func (a *app) settings(cmd *cobra.Command) (*config.Loaded, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	loaded, err := config.Load(config.Source{
		Flags: cmd.Flags(), Environ: a.environ, Dir: dir,
		File: a.configFile, StakesFile: a.stakesFile,
	})
	if err != nil {
		return nil, err
	}
	a.quiet = loaded.Quiet
	for _, name := range loaded.Unknown {
		a.voice().warning("the variable " + name + " names no setting and is ignored")
	}
	return loaded, loaded.Validate()
}

// usageHint points at the help of the verb that was misused.
func (a *app) usageHint() string {
	return "ftadvise --help lists the verbs, ftadvise VERB --help its flags"
}
