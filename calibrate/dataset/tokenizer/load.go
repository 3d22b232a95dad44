package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxFileBytes caps what is read of a tokenizer's file; the largest in use have
// about 35 MB.
const maxFileBytes = 256 << 20

// Load reads the tokenizer of a model folder: tokenizer.json, and where they exist
// tokenizer_config.json, special_tokens_map.json, chat_template.jinja and
// config.json for the begin and end tokens and the chat template.
func Load(dir string) (*Tokenizer, error) {
	path := filepath.Join(dir, "tokenizer.json")
	data, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing(dir)
	}
	if err != nil {
		return nil, err
	}
	t, err := Parse(data)
	if err != nil {
		return nil, locate(path, err)
	}
	t.Dir = dir
	return t, t.loadSpecial(dir)
}

func missing(dir string) error {
	e := &Error{Where: dir, What: "no tokenizer.json", Advice: "give a Hugging Face model folder that has one"}
	for _, old := range []string{"tokenizer.model", "vocab.json", "vocab.txt"} {
		if _, err := os.Stat(filepath.Join(dir, old)); err == nil {
			e.What = "no tokenizer.json, only " + old
			e.Advice = "convert it once in Python: AutoTokenizer.from_pretrained(dir, use_fast=True).save_pretrained(dir)"
		}
	}
	return e
}

// locate puts the file's path before the part of it that an error names.
func locate(path string, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return fmt.Errorf("%s: %w", path, err)
	}
	where := path
	if e.Where != "" {
		where += ": " + e.Where
	}
	return &Error{Where: where, What: e.What, Advice: e.Advice}
}

// readFile reads a regular file up to the cap; a pipe or device would never end.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, refuse(path, "not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %s: %w", path, err)
	}
	return data, nil
}

// readJSON decodes a file that may be missing. An unreadable one is an error: its
// special tokens would be wrong without a word.
func readJSON(path string, v any) error {
	data, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(trimBOM(data), v); err != nil {
		return locate(path, jsonError(data, err))
	}
	return nil
}

func trimBOM(data []byte) []byte {
	if len(data) >= 3 && string(data[:3]) == "\uFEFF" {
		return data[3:]
	}
	return data
}
