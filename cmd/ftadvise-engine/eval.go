package main

import (
	"github.com/spf13/cobra"

	"ftadvise/calibrate/torch"
)

// evalCommand prints one JSON line {"tokens", "predicted", "loss"}.
func evalCommand() *cobra.Command {
	var spec torch.TextSpec
	c := &cobra.Command{
		Use: "eval --model DIR --text FILE", Short: "print the mean loss of a text under a model, in nats a token", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withEngine(func(e *torch.Engine) error {
				loss, err := e.TextLoss(cmd.Context(), spec)
				if err != nil {
					return err
				}
				return printLine(cmd, loss)
			})
		},
	}
	c.Flags().StringVar(&spec.ModelDir, "model", "", "folder with config.json, weights and tokenizer.json")
	c.Flags().StringVar(&spec.AdapterDir, "adapter", "", "folder of a LoRA adapter in PEFT's format, to read the text with it on top of the model")
	c.Flags().StringVar(&spec.TextPath, "text", "", "text file in UTF-8")
	c.Flags().StringVar(&spec.Device, "device", "cpu", "cpu or cuda:N")
	c.Flags().StringVar(&spec.Precision, "precision", "fp32", "fp32, bf16 or bf16-pure")
	required(c, "model", "text")
	return c
}

// required marks flags that exist; the error is for those that do not.
func required(c *cobra.Command, names ...string) {
	for _, name := range names {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // a slip in this file, found by any test
		}
	}
}
