package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/torch"
)

// benchCommand prints one JSON line a method.
func benchCommand() *cobra.Command {
	var spec torch.BenchSpec
	var methods []string
	lora := evidence.Method{Kind: evidence.LoRA}
	c := &cobra.Command{
		Use: "bench --model DIR --text FILE", Short: "time full fine-tuning and LoRA on a text", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if spec.Methods, err = benchMethods(methods, lora); err != nil {
				return err
			}
			return withEngine(func(e *torch.Engine) error { return bench(cmd, e, spec) })
		},
	}
	f := c.Flags()
	f.StringVar(&spec.ModelDir, "model", "", "folder with config.json, weights and tokenizer.json")
	f.StringVar(&spec.TextPath, "text", "", "text file in UTF-8")
	f.StringSliceVar(&methods, "methods", []string{"full", "lora"}, "which to time, one after another")
	f.IntVar(&lora.Rank, "rank", 8, "LoRA rank r; alpha is twice that")
	f.StringVar(&lora.Targets, "targets", evidence.AllLinear, "LoRA target modules")
	f.IntVar(&spec.Abreast, "arms", 1, "LoRA arms to train in one pass")
	f.IntVar(&spec.Batch, "batch", 8, "sequences a step")
	f.IntVar(&spec.SeqLength, "seq", 128, "tokens a sequence")
	f.IntVar(&spec.Steps, "steps", 200, "optimizer steps an arm")
	f.IntVar(&spec.Warm, "warm", 3, "first steps whose time does not count")
	f.IntVar(&spec.Threads, "threads", 0, "CPU threads; 0 leaves it to the engine")
	f.StringVar(&spec.Device, "device", "cpu", "cpu or cuda:N")
	f.StringVar(&spec.Precision, "precision", "fp32", "fp32, bf16 or bf16-pure")
	f.BoolVar(&spec.RandomWeights, "random-weights", false, "take config.json alone and random weights")
	f.StringVar(&spec.Profile, "profile", "", "write a trace of a few steps of each method here, and where the time went to stderr")
	f.BoolVar(&spec.Checkpointing, "checkpointing", false, "recompute activations in the backward pass")
	f.StringVar(&spec.Tuning.Attention, "attention", "", "CUDA attention kernel: flash, cudnn or efficient; empty takes the fastest")
	f.BoolVar(&spec.Tuning.NoGraph, "no-graph", false, "issue every CUDA operation by itself instead of replaying captured steps")
	required(c, "model", "text")
	return c
}

func benchMethods(names []string, lora evidence.Method) ([]evidence.Method, error) {
	lora.Alpha = 2 * float64(lora.Rank)
	var out []evidence.Method
	for _, name := range names {
		switch evidence.Kind(name) {
		case evidence.Full:
			out = append(out, evidence.Method{Kind: evidence.Full})
		case evidence.LoRA:
			out = append(out, lora)
		default:
			return nil, &calibrate.InputError{Where: "--methods", What: fmt.Sprintf("%q is no method", name), Hint: "use full and lora"}
		}
	}
	return out, nil
}

func bench(cmd *cobra.Command, e *torch.Engine, spec torch.BenchSpec) error {
	var failed error
	spec.Log = func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) }
	err := e.Bench(cmd.Context(), spec, func(arm torch.BenchArm) {
		if err := printLine(cmd, arm); err != nil && failed == nil {
			failed = err
		}
	})
	if err != nil {
		return err
	}
	return failed
}
