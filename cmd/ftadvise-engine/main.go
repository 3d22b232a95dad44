// Command ftadvise-engine trains groups of trials on libtorch.
//
// Without arguments it serves the protocol of docs/protocol.md on stdin and stdout;
// ftadvise starts it so. By hand it evaluates a text under a model and times both
// methods:
//
//	ftadvise-engine eval --model DIR --text FILE
//	ftadvise-engine bench --model DIR --text FILE --batch 8 --seq 128 --steps 200
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"ftadvise/calibrate"
	"ftadvise/calibrate/torch"
	"ftadvise/calibrate/worker"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main with its surroundings given, and returns the exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	root := &cobra.Command{
		Use: "ftadvise-engine", Short: "train on libtorch for ftadvise", SilenceErrors: true, SilenceUsage: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// What libtorch prints must not mix with the protocol.
			claimed, err := worker.ClaimStdout()
			if err != nil {
				return err
			}
			defer claimed.Close()
			return withEngine(func(e *torch.Engine) error { return worker.Serve(cmd.Context(), in, claimed, e) })
		},
	}
	root.SetOut(out)
	root.SetErr(errs)
	root.SetArgs(args)
	root.AddCommand(evalCommand(), benchCommand(), pretrainCommand(), infoCommand())
	return report(root.ExecuteContext(ctx), errs)
}

func withEngine(f func(*torch.Engine) error) error {
	e, err := torch.New()
	if err != nil {
		return err
	}
	return errors.Join(f(e), e.Close())
}

// report says what went wrong in ftadvise's voice and finds the exit code.
func report(err error, errs io.Writer) int {
	if err == nil {
		return 0
	}
	var input *calibrate.InputError
	var env *calibrate.EnvironmentError
	code, hint := 2, "see ftadvise-engine --help"
	switch {
	case errors.Is(err, context.Canceled):
		return 130
	case errors.As(err, &input):
		code, hint = 3, input.Hint
	case errors.As(err, &env):
		code, hint = 5, env.Hint
	case errors.Is(err, torch.ErrDoesNotFit):
		code, hint = 6, "use a smaller --batch or --seq"
	}
	fmt.Fprintf(errs, "ftadvise-engine: error: %v\n", err)
	if hint != "" {
		fmt.Fprintf(errs, "ftadvise-engine: hint: %s\n", hint)
	}
	return code
}

func infoCommand() *cobra.Command {
	return &cobra.Command{
		Use: "info", Short: "say which libtorch and which machine this is", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withEngine(func(e *torch.Engine) error {
				info, err := e.Info(cmd.Context())
				if err != nil {
					return err
				}
				return printLine(cmd, info)
			})
		},
	}
}

func printLine(cmd *cobra.Command, value any) error {
	return json.NewEncoder(cmd.OutOrStdout()).Encode(value)
}
