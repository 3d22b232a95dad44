// Command make writes what ftadvise ships to try itself on: from the Go distribution
// that runs it, a corpus of prose to train the base model on, a tokenizer trained on
// that corpus, the base model's config.json, and sample data for advice.
//
//	go run ./calibrate/embedded/make -out DIR
//
// Everything comes from the comments and assembly of GOROOT/src (BSD licence), chosen
// and ordered by hashes of paths, so that one Go release always gives the same bytes.
// The base model is then trained on DIR/corpus.txt by ftadvise-engine pretrain; the
// target `make base` does both.
package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"ftadvise/calibrate/embedded"
)

// Sizes in bytes of what is written.
const (
	corpusBytes  = 6_000_000
	nearRead     = 400_000 // more than is kept: what near has said is not repeated in the corpus
	sampleBytes  = 200_000
	generalBytes = 60_000
)

func main() {
	out := flag.String("out", "", "folder to write to")
	goroot := flag.String("goroot", "", "Go distribution to read; empty: that of the go command")
	flag.Parse()
	if *out == "" {
		fmt.Fprintln(os.Stderr, "make: error: no -out folder")
		os.Exit(2)
	}
	if err := write(*goroot, *out); err != nil {
		fmt.Fprintln(os.Stderr, "make: error:", err)
		os.Exit(3)
	}
}

func write(goroot, out string) error {
	if goroot == "" {
		found, err := exec.Command("go", "env", "GOROOT").Output()
		if err != nil {
			return fmt.Errorf("go env GOROOT: %w", err)
		}
		goroot = strings.TrimSpace(string(found))
	}
	if err := os.MkdirAll(filepath.Join(out, "base"), 0o755); err != nil {
		return err
	}
	texts, err := readTexts(filepath.Join(goroot, "src"))
	if err != nil {
		return err
	}
	tokenizer, err := trainTokenizer(texts.corpus, embedded.Vocabulary)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"corpus.txt": texts.corpus, "near.txt": texts.near, "far.txt": texts.far, "general.txt": texts.general,
		"base/tokenizer.json": tokenizer, "base/config.json": embedded.Config(128, 344, 32), "base/tokenizer_config.json": tokenizerConfig,
	} {
		if err := os.WriteFile(filepath.Join(out, name), []byte(text), 0o644); err != nil {
			return err
		}
		fmt.Printf("%-28s %9d bytes  sha256 %x\n", name, len(text), sha256.Sum256([]byte(text)))
	}
	return nil
}

const tokenizerConfig = `{
  "tokenizer_class": "PreTrainedTokenizerFast",
  "bos_token": "<|endoftext|>",
  "eos_token": "<|endoftext|>",
  "model_max_length": 256,
  "clean_up_tokenization_spaces": false
}
`
