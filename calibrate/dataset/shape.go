package dataset

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// classes is the shape whose completions are labels.
const classes = "classification"

// Shapes are the values of Options.Shape.
func Shapes() []string {
	return []string{"text", "prompt-completion", "alpaca", "messages", "sharegpt", "classification"}
}

// part is a stretch of an example that carries loss or does not.
type part struct {
	text string
	loss bool
}

// example is a record as the model is to see it.
type example struct {
	at    place
	parts []part
	// special: the tokenizer frames the text; not so for a chat template, which
	// writes begin and end tokens itself.
	special bool
	// end: the end token follows, so that the model learns to stop.
	end   bool
	label string // classification only
	group string // what must stay on one side of the split; empty: the text itself
	bytes int64
}

func (e example) text() string {
	var b strings.Builder
	for _, p := range e.parts {
		b.WriteString(p.text)
	}
	return b.String()
}

// shaper makes examples of records. What it needs of the fields is settled once,
// from the first record.
type shaper struct {
	shape  string
	fields map[string]string // role -> name in the file
	chat   *chat
}

// newShaper settles the shape from the options and the fields of the first record.
func newShaper(o Options, format string, first record, chat *chat) (*shaper, error) {
	s := &shaper{shape: o.Shape, fields: o.Fields, chat: chat}
	if format == "text" {
		if s.shape != "" && s.shape != "text" {
			return nil, refuse(first.at.file, "plain text has no fields to make "+s.shape+" of", "give JSONL, JSON, CSV, TSV or Parquet, or drop --shape")
		}
		s.shape, s.fields = "text", map[string]string{"text": "text"}
		return s, nil
	}
	layout, ok := match(o, first.names())
	if !ok {
		return nil, unmatched(o, first)
	}
	s.shape, s.fields = layout.shape, layout.fields
	return s, nil
}

func unmatched(o Options, first record) error {
	for _, role := range slices.Sorted(maps.Keys(o.Fields)) {
		if name := o.Fields[role]; !slices.Contains(first.names(), name) {
			return refuse(first.at.String(), fmt.Sprintf("no field is called %s; the record has %s", name, first.listed()), "--field "+role+"=NAME takes one of these names")
		}
	}
	what := "no known shape has the fields " + first.listed()
	if o.Shape != "" {
		what = fmt.Sprintf("the shape %s needs the fields %s; the record has %s", o.Shape, strings.Join(rolesOf(o.Shape), ", "), first.listed())
	}
	return refuse(first.at.String(), what, "say which field is which: --field prompt=NAME --field completion=NAME, or --field text=NAME")
}

// example makes an example of one record.
func (s *shaper) example(r record) (example, error) {
	e := example{at: r.at, bytes: r.bytes, special: true, end: true}
	var err error
	switch s.shape {
	case "text":
		err = s.plain(r, &e)
	case classes:
		err = s.classification(r, &e)
	case "messages", "sharegpt":
		err = s.conversation(r, &e)
	default:
		err = s.promptCompletion(r, &e)
	}
	if err != nil {
		return e, err
	}
	if e.group, err = s.get(r, "group"); err != nil {
		return e, err
	}
	return e, nil
}

func (s *shaper) get(r record, role string) (string, error) {
	name, ok := s.fields[role]
	if !ok {
		return "", nil
	}
	return r.text(name)
}

// need is get for a role without which there is no example.
func (s *shaper) need(r record, role string) (string, error) {
	text, err := s.get(r, role)
	if err != nil {
		return "", err
	}
	if text == "" {
		return "", r.lacks(s.fields[role])
	}
	return text, nil
}

// lacks refuses a record in which a field is missing or has nothing in it.
func (r record) lacks(name string) error {
	if slices.Contains(r.names(), name) {
		return bad(r.at, fmt.Sprintf("the field %q is empty", name), "fill it in, or skip such records with --skip-bad")
	}
	return bad(r.at, fmt.Sprintf("the field %q is missing; the record has %s", name, r.listed()),
		"name the fields with --field, or skip such records with --skip-bad")
}

func (s *shaper) plain(r record, e *example) error {
	text, err := s.need(r, "text")
	e.parts = []part{{text, true}}
	return err
}

// promptCompletion covers alpaca too, whose system and input go into the prompt.
func (s *shaper) promptCompletion(r record, e *example) error {
	if isList(r, s.fields["prompt"]) {
		return s.conversation(r, e)
	}
	completion, err := s.need(r, "completion")
	if err != nil {
		return err
	}
	prompt, err := s.prompt(r)
	if err != nil {
		return err
	}
	if s.apart(prompt, completion) {
		prompt += "\n"
	}
	e.parts = []part{{prompt, false}, {completion, true}}
	return nil
}

// apart reports whether a line end belongs between prompt and completion. A file
// that has fields of just these names means them to be joined as they are, as TRL
// does; a question and its answer are two lines.
func (s *shaper) apart(prompt, completion string) bool {
	if s.shape == "alpaca" || prompt == "" || s.fields["prompt"] == "prompt" && s.fields["completion"] == "completion" {
		return false
	}
	return strings.TrimRight(prompt, " \n") == prompt && strings.TrimLeft(completion, " \n") == completion
}

func (s *shaper) prompt(r record) (string, error) {
	var texts [3]string
	for i, role := range []string{"system", "prompt", "input"} {
		var err error
		if texts[i], err = s.get(r, role); err != nil {
			return "", err
		}
	}
	if s.shape == "alpaca" {
		return alpacaPrompt(texts[0], texts[1], texts[2]), nil
	}
	return joinLines(texts[:]...), nil
}

// alpacaPrompt writes the headings that the format is known by.
func alpacaPrompt(system, instruction, input string) string {
	var b strings.Builder
	if system != "" {
		b.WriteString(system + "\n\n")
	}
	b.WriteString("### Instruction:\n" + instruction + "\n\n")
	if input != "" {
		b.WriteString("### Input:\n" + input + "\n\n")
	}
	b.WriteString("### Response:\n")
	return b.String()
}

// joinLines joins texts that are not empty.
func joinLines(texts ...string) string {
	texts = slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return s == "" })
	return strings.Join(texts, "\n")
}

func (s *shaper) classification(r record, e *example) error {
	text, err := s.need(r, "text")
	if err != nil {
		return err
	}
	if e.label, err = s.need(r, "label"); err != nil {
		return err
	}
	e.parts = []part{{text + "\nLabel:", false}, {" " + e.label, true}}
	return nil
}
