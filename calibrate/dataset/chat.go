package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"ftadvise/calibrate/dataset/template"
	"ftadvise/calibrate/dataset/tokenizer"
)

// chat renders conversations as the model was taught to read them. Without a
// template it writes plain turns, "User: ...".
type chat struct {
	template *template.Template // nil: plain turns
	special  map[string]string  // bos_token, eos_token, ...
}

// templateDay is what strftime_now tells: a fixed day, so that the same data make
// the same rows on any day. It is the one that Llama 3.1's own template falls back to.
func templateDay() time.Time { return time.Date(2024, time.July, 26, 0, 0, 0, 0, time.UTC) }

func newChat(o Options, tok *tokenizer.Tokenizer) (*chat, error) {
	source := o.Template
	if source == "" {
		source = tok.ChatTemplate
	}
	c := &chat{special: tok.Special()}
	if source == "" {
		return c, nil
	}
	var err error
	if c.template, err = template.Parse(source); err != nil {
		return nil, templateError("", err)
	}
	return c, nil
}

// templateError keeps the template's hint and says which record it concerns.
func templateError(where string, err error) *Error {
	advice := ""
	var hint interface{ Hint() string }
	if errors.As(err, &hint) {
		advice = hint.Hint()
	}
	return &Error{Where: where, What: err.Error(), Advice: advice}
}

// turn is one message of a conversation.
type turn struct {
	*template.Dict
	loss bool
}

// text returns a field as text; of a list of chunks, their texts joined.
func (t turn) text(key string) string {
	v, _ := t.Get(key)
	switch v := v.(type) {
	case string:
		return v
	case *template.List:
		var b strings.Builder
		for _, chunk := range v.Items {
			if d, ok := chunk.(*template.Dict); ok {
				b.WriteString(turn{Dict: d}.text("text"))
			}
		}
		return b.String()
	}
	return ""
}

// conversation covers messages, ShareGPT, and prompts and completions that are
// lists of messages.
func (s *shaper) conversation(r record, e *example) error {
	var turns []turn
	if system, err := s.get(r, "system"); err != nil {
		return err
	} else if system != "" {
		turns = append(turns, newTurn("system", system))
	}
	for _, role := range []string{"messages", "prompt", "completion"} {
		name, ok := s.fields[role]
		if !ok {
			continue
		}
		list, err := readTurns(r, name)
		if err != nil {
			return err
		}
		for _, t := range list {
			t.loss = t.text("role") == "assistant" && role != "prompt"
			turns = append(turns, t)
		}
	}
	if len(turns) == 0 {
		return bad(r.at, "the conversation has no messages", "mend the record, or skip such records with --skip-bad")
	}
	if s.chat.template == nil {
		e.parts = plainTurns(turns)
		return nil
	}
	tools, err := s.tools(r)
	if err != nil {
		return err
	}
	e.special, e.end = false, false
	e.parts, err = s.chat.render(turns, tools)
	if err != nil {
		return badRecord{templateError(r.at.String(), err)}
	}
	return nil
}

func newTurn(role, content string) turn {
	d := template.NewDict()
	d.Set("role", role)
	d.Set("content", content)
	return turn{Dict: d}
}

func isList(r record, name string) bool {
	v, ok := r.value(name)
	raw, isRaw := v.(json.RawMessage)
	return ok && isRaw && raw[0] == '['
}

// readTurns reads a field that lists {role, content} or {from, value}. What else a
// message holds stays in it, for the template to use.
func readTurns(r record, name string) ([]turn, error) {
	const form = `each message is {"role": ..., "content": ...} or {"from": ..., "value": ...}`
	notMessages := bad(r.at, "field "+name+" is not a list of messages", form)
	v, ok := r.value(name)
	if !ok {
		return nil, r.lacks(name)
	}
	raw, isRaw := v.(json.RawMessage)
	if !isRaw || raw[0] != '[' {
		return nil, notMessages
	}
	if hasLoneSurrogate(raw) {
		return nil, bad(r.at, "a \\u escape is half of a surrogate pair, which is no character", "write the whole pair, or skip such records with --skip-bad")
	}
	value, err := template.FromJSON(raw)
	list, isList := value.(*template.List)
	if err != nil || !isList {
		return nil, notMessages
	}
	var out []turn
	for i, item := range list.Items {
		d, ok := item.(*template.Dict)
		if !ok {
			return nil, notMessages
		}
		renameTurn(d)
		if role, _ := d.Get("role"); role == nil {
			return nil, bad(r.at, fmt.Sprintf("message %d of %s has no role", i+1, name), form+"; --skip-bad skips such records")
		}
		out = append(out, turn{Dict: d})
	}
	return out, nil
}

// renameTurn gives ShareGPT's keys and roles the names that templates know.
func renameTurn(d *template.Dict) {
	if from, ok := d.Get("from"); ok {
		d.Set("role", from)
	}
	if value, ok := d.Get("value"); ok {
		d.Set("content", value)
	}
	role, _ := d.Get("role")
	switch role {
	case "human":
		d.Set("role", "user")
	case "gpt", "model", "bot", "chatgpt":
		d.Set("role", "assistant")
	}
}

// tools reads the functions offered to the model, a list or a list written as text.
func (s *shaper) tools(r record) (any, error) {
	v, ok := r.value(s.fields["tools"])
	if !ok {
		return nil, nil
	}
	raw, isRaw := v.(json.RawMessage)
	text, isText := v.(string)
	if isRaw && raw[0] == '"' {
		var err error
		if text, err = unquote(r.at, raw); err != nil {
			return nil, err
		}
		isText = true
	}
	if isText {
		raw = json.RawMessage(text)
	}
	tools, err := template.FromJSON(raw)
	if err != nil {
		return nil, bad(r.at, "field "+s.fields["tools"]+" is not a list of tools", "mend the record, or skip such records with --skip-bad")
	}
	return tools, nil
}

// render writes a conversation and finds what the assistant wrote: by the
// template's generation marks, else by rendering up to before and after each of
// its turns.
func (c *chat) render(turns []turn, tools any) ([]part, error) {
	full, err := c.fill(turns, tools, false)
	if err != nil {
		return nil, err
	}
	var spans []template.Span
	if c.template.Generation {
		spans = full.Generated
	} else {
		spans = c.spans(turns, tools, full.Text)
	}
	return cutParts(full.Text, spans), nil
}

func (c *chat) fill(turns []turn, tools any, prompt bool) (template.Rendered, error) {
	messages := template.NewList()
	for _, t := range turns {
		messages.Items = append(messages.Items, t.Dict)
	}
	vars := map[string]any{"messages": messages, "add_generation_prompt": prompt, "tools": tools, "documents": nil}
	for name, token := range c.special {
		vars[name] = token
	}
	return c.template.Render(vars, templateDay())
}

// spans finds the turns with loss in the whole text. A template may refuse the
// beginning of a conversation; the turn then starts where the one before ended.
func (c *chat) spans(turns []turn, tools any, full string) []template.Span {
	var out []template.Span
	last := 0
	for i, t := range turns {
		if !t.loss {
			continue
		}
		start := last
		if before, err := c.fill(turns[:i], tools, true); err == nil {
			start = max(last, commonPrefix(before.Text, full))
		}
		end := len(full)
		if i < len(turns)-1 {
			after, err := c.fill(turns[:i+1], tools, false)
			if err != nil {
				continue
			}
			end = commonPrefix(after.Text, full)
		}
		if end > start {
			out = append(out, template.Span{Start: start, End: end})
			last = end
		}
	}
	return out
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for n > 0 && n < len(b) && b[n]&0xC0 == 0x80 { // not within a character
		n--
	}
	return n
}

// cutParts cuts a text at spans that carry loss.
func cutParts(text string, spans []template.Span) []part {
	var parts []part
	at := 0
	for _, s := range spans {
		if s.Start < at || s.End <= s.Start {
			continue
		}
		if s.Start > at {
			parts = append(parts, part{text[at:s.Start], false})
		}
		parts = append(parts, part{text[s.Start:s.End], true})
		at = s.End
	}
	if at < len(text) {
		parts = append(parts, part{text[at:], false})
	}
	return parts
}

// plainTurns writes a conversation for a model that has no chat template.
func plainTurns(turns []turn) []part {
	var parts []part
	for i, t := range turns {
		role := t.text("role")
		first, size := utf8.DecodeRuneInString(role)
		head := role + ":"
		if size > 0 {
			head = string(unicode.ToUpper(first)) + role[size:] + ":"
		}
		if i > 0 {
			head = "\n\n" + head
		}
		parts = append(parts, part{head, false}, part{" " + t.text("content"), t.loss})
	}
	return parts
}
