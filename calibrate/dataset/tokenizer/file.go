package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// document is tokenizer.json. Truncation and padding are read past.
type document struct {
	AddedTokens   []addedToken    `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         json.RawMessage `json:"model"`
}

type addedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

func absent(raw json.RawMessage) bool {
	return len(raw) == 0 || bytes.Equal(raw, []byte("null"))
}

// fields decodes one part of the pipeline into v.
func fields(where string, raw json.RawMessage, v any) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return refuse(where, "%v", err)
	}
	return nil
}

// Parse reads the content of a tokenizer.json.
func Parse(data []byte) (*Tokenizer, error) {
	if err := precheck(data); err != nil {
		return nil, err
	}
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, jsonError(data, err)
	}
	return build(doc)
}

const lfsMark = "version https://git-lfs.github.com/spec/"

func precheck(data []byte) error {
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return refuse("", "the file is empty")
	case bytes.HasPrefix(data, []byte(lfsMark)):
		return &Error{What: "this is a Git LFS pointer, not the file itself", Advice: "run git lfs pull in the model's folder"}
	case len(data) > maxFileBytes:
		return refuse("", "the file has %d bytes; at most %d are read", len(data), maxFileBytes)
	}
	return nil
}

func jsonError(data []byte, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		line := 1 + bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n"))
		return refuse(fmt.Sprintf("line %d, byte %d", line, syntax.Offset), "not valid JSON: %v", err)
	}
	var typed *json.UnmarshalTypeError
	if errors.As(err, &typed) {
		return refuse(typed.Field, "a %s where %s is expected", typed.Value, strings.TrimPrefix(typed.Type.String(), "tokenizer."))
	}
	return refuse("", "not valid JSON: %v", err)
}

func build(doc document) (*Tokenizer, error) {
	if absent(doc.Model) {
		return nil, refuse("model", "missing")
	}
	t := &Tokenizer{bos: -1, eos: -1}
	var err error
	if t.normalizer, err = parseNormalizer("normalizer", doc.Normalizer); err != nil {
		return nil, err
	}
	if t.pre, err = parsePreTokenizer("pre_tokenizer", doc.PreTokenizer); err != nil {
		return nil, err
	}
	if t.model, err = parseModel(doc.Model); err != nil {
		return nil, err
	}
	if t.added, err = newAddedTokens(doc.AddedTokens, t.model, t.normalizer); err != nil {
		return nil, err
	}
	if t.frame, err = parsePostProcessor("post_processor", doc.PostProcessor); err != nil {
		return nil, err
	}
	if t.decoder, err = parseDecoder("decoder", doc.Decoder); err != nil {
		return nil, err
	}
	if err := t.checkFrame(); err != nil {
		return nil, err
	}
	t.compile()
	return t, nil
}
