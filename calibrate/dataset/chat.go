package dataset

import (
	"encoding/json"
	"strings"
)

// message is one turn of a conversation.
type message struct{ role, content string }

// chat renders conversations as the model was taught to read them.
type chat struct{}

// conversation covers messages, ShareGPT, and prompts and completions that are
// lists of messages.
func (s *shaper) conversation(r record, e *example) error {
	var list []message
	for _, role := range []string{"messages", "prompt", "completion"} {
		name, ok := s.fields[role]
		if !ok {
			continue
		}
		part, err := messages(r, name)
		if err != nil {
			return err
		}
		list = append(list, part...)
	}
	if system, err := s.get(r, "system"); err != nil {
		return err
	} else if system != "" {
		list = append([]message{{"system", system}}, list...)
	}
	if len(list) == 0 {
		return bad(r.at, "the conversation has no messages", "mend the record, or skip such records with --skip-bad")
	}
	e.parts = plainTurns(list)
	return nil
}

func isList(r record, name string) bool {
	v, ok := r.value(name)
	raw, isRaw := v.(json.RawMessage)
	return ok && isRaw && raw[0] == '['
}

// messages reads a field that lists {role, content} or {from, value}.
func messages(r record, name string) ([]message, error) {
	var turns []struct {
		Role, From     string
		Content, Value json.RawMessage
	}
	v, ok := r.value(name)
	raw, isRaw := v.(json.RawMessage)
	if !ok || !isRaw || json.Unmarshal(raw, &turns) != nil {
		return nil, bad(r.at, "field "+name+" is not a list of messages", `each message is {"role": ..., "content": ...} or {"from": ..., "value": ...}`)
	}
	var out []message
	for _, turn := range turns {
		content := turn.Content
		if content == nil {
			content = turn.Value
		}
		m := message{role: roleName(turn.Role + turn.From)}
		if len(content) > 0 && content[0] == '"' {
			var err error
			if m.content, err = unquote(r.at, content); err != nil {
				return nil, err
			}
		}
		out = append(out, m)
	}
	return out, nil
}

// roleName maps ShareGPT's names to those of chat templates.
func roleName(name string) string {
	switch strings.ToLower(name) {
	case "human":
		return "user"
	case "gpt", "model", "bot", "chatgpt":
		return "assistant"
	}
	return name
}

// plainTurns writes a conversation for a model that has no chat template.
func plainTurns(list []message) []part {
	var parts []part
	for i, m := range list {
		head := strings.ToUpper(m.role[:min(1, len(m.role))]) + m.role[min(1, len(m.role)):] + ":"
		if i > 0 {
			head = "\n\n" + head
		}
		parts = append(parts, part{head, false}, part{" " + m.content, m.role == "assistant"})
	}
	return parts
}
