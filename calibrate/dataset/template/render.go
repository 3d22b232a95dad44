package template

import (
	"errors"
	"strings"
	"time"
)

// The bounds of one rendering. A long conversation takes some ten thousand steps.
const (
	maxSteps  = 2_000_000
	maxOutput = 16 << 20 // bytes, of the output and of any string on the way
	maxDepth  = 100      // macros in macros
	maxRange  = 100_000  // as jinja2's sandbox has it
)

// Span is a stretch of bytes of the output.
type Span struct{ Start, End int }

// Rendered is what a template made.
type Rendered struct {
	Text string
	// Generated are the spans in {% generation %}: what the model is to write.
	Generated []Span
}

// state is one rendering under way.
type state struct {
	library   library
	now       time.Time
	scope     *scope
	global    *scope
	out       *strings.Builder
	generated []Span
	steps     int
	depth     int
	captured  int // how many captures the output lies in
}

// scope holds the names of a block; those of the blocks around it shine through.
type scope struct {
	vars   map[string]any
	parent *scope
}

func (s *scope) lookup(name string) (any, bool) {
	for ; s != nil; s = s.parent {
		if v, ok := s.vars[name]; ok {
			return v, true
		}
	}
	return nil, false
}

// Render fills the template with the named values. now is what strftime_now tells.
func (t *Template) Render(vars map[string]any, now time.Time) (Rendered, error) {
	s := &state{library: t.library, now: now, out: &strings.Builder{}}
	s.global = &scope{vars: globals()}
	for name, value := range vars {
		s.global.vars[name] = value
	}
	s.scope = &scope{vars: map[string]any{}, parent: s.global}
	s.global = s.scope
	if err := s.run(t.body); err != nil {
		return Rendered{}, err
	}
	if err := s.step(0); err != nil {
		return Rendered{}, err
	}
	return Rendered{s.out.String(), s.generated}, nil
}

func (s *state) run(b body) error {
	for _, statement := range b {
		if err := s.step(1); err != nil {
			return err
		}
		if err := statement.exec(s); err != nil {
			return err
		}
	}
	return nil
}

var (
	errSteps  = errors.New("chat template: it takes more than two million steps")
	errOutput = errors.New("chat template: it writes more than 16 MiB")
	errDepth  = errors.New("chat template: macros or loops call themselves without end")
)

// step counts n steps and ends a rendering that goes on for ever.
func (s *state) step(n int) error {
	if s.steps += n; s.steps > maxSteps || n < 0 {
		return errSteps
	}
	return nil
}

func (s *state) write(text string) error {
	if s.out.Len()+len(text) > maxOutput {
		return errOutput
	}
	s.out.WriteString(text)
	return s.step(len(text) / 64)
}

// text bounds a string made on the way; its length counts as work done.
func (s *state) text(text string) (any, error) {
	if len(text) > maxOutput {
		return nil, errOutput
	}
	return text, s.step(len(text) / 64)
}

// within runs b with names of its own.
func (s *state) within(vars map[string]any, b body) error {
	outer := s.scope
	s.scope = &scope{vars: vars, parent: outer}
	err := s.run(b)
	s.scope = outer
	return err
}

// capture returns what f writes instead of writing it.
func (s *state) capture(f func() error) (string, error) {
	if s.depth++; s.depth > maxDepth {
		return "", errDepth
	}
	outer := s.out
	s.out = &strings.Builder{}
	s.captured++
	err := f()
	text := s.out.String()
	s.out = outer
	s.captured--
	s.depth--
	return text, err
}
