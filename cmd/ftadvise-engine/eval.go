package main

import (
	"github.com/spf13/cobra"

	"ftadvise/calibrate/torch"
)

// evalCommand prints one JSON line {"tokens", "predicted", "loss"}.
func evalCommand() *cobra.Command {
	var model, text, device, precision string
	c := &cobra.Command{
		Use: "eval --model DIR --text FILE", Short: "print the mean loss of a text under a model, in nats a token", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withEngine(func(e *torch.Engine) error {
				loss, err := e.TextLoss(cmd.Context(), model, text, device, precision)
				if err != nil {
					return err
				}
				return printLine(cmd, loss)
			})
		},
	}
	c.Flags().StringVar(&model, "model", "", "folder with config.json, weights and tokenizer.json")
	c.Flags().StringVar(&text, "text", "", "text file in UTF-8")
	c.Flags().StringVar(&device, "device", "cpu", "cpu or cuda:N")
	c.Flags().StringVar(&precision, "precision", "fp32", "fp32, bf16 or bf16-pure")
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
