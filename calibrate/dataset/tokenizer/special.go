package tokenizer

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
)

// specialTokens are the names by which chat templates and configurations call the
// tokens that frame a text.
type specialTokens struct {
	BOS tokenName `json:"bos_token"`
	EOS tokenName `json:"eos_token"`
	UNK tokenName `json:"unk_token"`
	PAD tokenName `json:"pad_token"`
}

// tokenName is "</s>" or {"content": "</s>", ...} or null.
type tokenName string

func (n *tokenName) UnmarshalJSON(data []byte) error {
	var object struct {
		Content string `json:"content"`
	}
	if len(data) > 0 && data[0] == '{' {
		err := json.Unmarshal(data, &object)
		*n = tokenName(object.Content)
		return err
	}
	return json.Unmarshal(data, (*string)(n))
}

type tokenizerConfig struct {
	specialTokens
	ChatTemplate chatTemplates `json:"chat_template"`
}

// chatTemplates is one template, or a list of named ones of which "default" counts.
type chatTemplates string

func (c *chatTemplates) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '[' {
		return json.Unmarshal(data, (*string)(c))
	}
	var list []struct{ Name, Template string }
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	for _, named := range list {
		if named.Name == "default" || *c == "" {
			*c = chatTemplates(named.Template)
		}
	}
	return nil
}

// idList is one id or several.
type idList []int32

func (l *idList) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' {
		return json.Unmarshal(data, (*[]int32)(l))
	}
	var one *int32
	if err := json.Unmarshal(data, &one); err != nil || one == nil {
		return err
	}
	*l = idList{*one}
	return nil
}

func (t *Tokenizer) loadSpecial(dir string) error {
	var names specialTokens
	if err := readJSON(filepath.Join(dir, "special_tokens_map.json"), &names); err != nil {
		return err
	}
	config := tokenizerConfig{specialTokens: names}
	if err := readJSON(filepath.Join(dir, "tokenizer_config.json"), &config); err != nil {
		return err
	}
	t.tokens = config.specialTokens
	t.ChatTemplate = string(config.ChatTemplate)
	template, err := readFile(filepath.Join(dir, "chat_template.jinja"))
	switch {
	case err == nil:
		t.ChatTemplate = string(template)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return t.findEnds(dir)
}

// findEnds settles the begin and end tokens: by their names, else by the ids in
// config.json, else by what families are known to call them.
func (t *Tokenizer) findEnds(dir string) error {
	var ids struct {
		BOS idList `json:"bos_token_id"`
		EOS idList `json:"eos_token_id"`
	}
	if err := readJSON(filepath.Join(dir, "config.json"), &ids); err != nil {
		return err
	}
	t.bos = t.choose(t.tokens.BOS, ids.BOS, "<s>", "<|begin_of_text|>", "<bos>")
	t.eos = t.choose(t.tokens.EOS, ids.EOS, "</s>", "<|end_of_text|>", "<|endoftext|>", "<eos>")
	return nil
}

func (t *Tokenizer) choose(name tokenName, ids idList, usual ...string) int32 {
	if id, ok := t.ID(string(name)); ok && name != "" {
		return id
	}
	for _, id := range ids {
		if _, ok := t.Token(id); ok {
			return id
		}
	}
	for _, token := range usual {
		if id, ok := t.added.ids[token]; ok {
			return id
		}
	}
	return -1
}

// Special returns the spellings of the tokens that chat templates ask for by the
// names bos_token, eos_token, unk_token and pad_token; missing ones are left out.
func (t *Tokenizer) Special() map[string]string {
	out := map[string]string{}
	for name, token := range map[string]tokenName{
		"bos_token": t.tokens.BOS, "eos_token": t.tokens.EOS, "unk_token": t.tokens.UNK, "pad_token": t.tokens.PAD,
	} {
		if token != "" {
			out[name] = string(token)
		}
	}
	for name, id := range map[string]int32{"bos_token": t.bos, "eos_token": t.eos} {
		if token, ok := t.Token(id); ok && out[name] == "" {
			out[name] = token
		}
	}
	return out
}
