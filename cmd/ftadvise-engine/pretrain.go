package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"ftadvise/calibrate"
	"ftadvise/calibrate/torch"
)

// pretrainCommand prints one JSON line of what came of it.
func pretrainCommand() *cobra.Command {
	var spec torch.PretrainSpec
	c := &cobra.Command{
		Use: "pretrain --model DIR --text FILE --out DIR", Short: "train a small base model from random weights", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withEngine(func(e *torch.Engine) error {
				result, err := e.Pretrain(cmd.Context(), spec, func(s calibrate.StepDone) {
					if s.Step%100 == 0 {
						fmt.Fprintf(cmd.ErrOrStderr(), "step %d of %d: loss %.3f, %.1f ms\n", s.Step, spec.Steps, s.Loss, s.Seconds*1e3)
					}
				})
				if err != nil {
					return err
				}
				return printLine(cmd, result)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&spec.ModelDir, "model", "", "folder with config.json and tokenizer.json")
	f.StringVar(&spec.TextPath, "text", "", "text file in UTF-8")
	f.StringVar(&spec.Out, "out", "", "folder for the model")
	f.IntVar(&spec.Batch, "batch", 32, "sequences a step")
	f.IntVar(&spec.SeqLength, "seq", 128, "tokens a sequence")
	f.IntVar(&spec.Steps, "steps", 6000, "optimizer steps")
	f.IntVar(&spec.Warmup, "warmup", 200, "steps of rising learning rate")
	f.IntVar(&spec.Threads, "threads", 0, "CPU threads; 0 takes every core")
	f.Float64Var(&spec.LearningRate, "learning-rate", 3e-3, "peak of the cosine schedule")
	f.Float64Var(&spec.HeldOutPct, "held-out", 2, "percent of the text, at its end, not trained on")
	f.Int64Var(&spec.Seed, "seed", 1, "of weights and batches")
	f.StringVar(&spec.Device, "device", "cpu", "cpu or cuda:N")
	f.StringVar(&spec.Precision, "precision", "fp32", "fp32, bf16 or bf16-pure")
	required(c, "model", "text", "out")
	return c
}
