package main

import (
	"github.com/spf13/cobra"

	"ftadvise/calibrate/torch"
)

// benchCommand prints one JSON line an arm.
func benchCommand() *cobra.Command {
	spec := torch.BenchSpec{Arms: torch.BenchArms()}
	c := &cobra.Command{
		Use: "bench --model DIR --text FILE", Short: "time full fine-tuning and LoRA (r=8, all-linear) on a text", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withEngine(func(e *torch.Engine) error {
				var failed error
				err := e.Bench(cmd.Context(), spec, func(arm torch.BenchArm) {
					if err := printLine(cmd, arm); err != nil && failed == nil {
						failed = err
					}
				})
				if err != nil {
					return err
				}
				return failed
			})
		},
	}
	f := c.Flags()
	f.StringVar(&spec.ModelDir, "model", "", "folder with config.json, weights and tokenizer.json")
	f.StringVar(&spec.TextPath, "text", "", "text file in UTF-8")
	f.IntVar(&spec.Batch, "batch", 8, "sequences a step")
	f.IntVar(&spec.SeqLength, "seq", 128, "tokens a sequence")
	f.IntVar(&spec.Steps, "steps", 200, "optimizer steps an arm")
	f.IntVar(&spec.Threads, "threads", 0, "CPU threads; 0 takes every core")
	f.StringVar(&spec.Device, "device", "cpu", "cpu or cuda:N")
	f.StringVar(&spec.Precision, "precision", "fp32", "fp32, bf16 or bf16-pure")
	f.BoolVar(&spec.RandomWeights, "random-weights", false, "take config.json alone and random weights")
	required(c, "model", "text")
	return c
}
