// Command ftadvise answers whether full fine-tuning or LoRA is the better choice for
// a base model, a dataset, a device and a training horizon.
package main

import (
	"os"

	"ftadvise/cmd/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
