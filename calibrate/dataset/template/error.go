package template

import (
	"fmt"
	"strings"
)

// Error is a template that cannot be parsed or rendered.
type Error struct {
	Line   int
	What   string
	Advice string
}

func (e *Error) Error() string { return fmt.Sprintf("chat template: line %d: %s", e.Line, e.What) }

// Hint says what to do about it.
func (e *Error) Hint() string {
	if e.Advice != "" {
		return e.Advice
	}
	return "give another template with --template"
}

// Raised is what the template itself says by raise_exception.
type Raised struct{ Message string }

func (r *Raised) Error() string {
	return "the model's chat template refuses this conversation: " + short(r.Message)
}

// Hint says what to do about it.
func (r *Raised) Hint() string { return "change the conversation as the template asks" }

func failure(line int, format string, args ...any) error {
	return &Error{Line: line, What: short(fmt.Sprintf(format, args...))}
}

// maxMessage is the length of a message beyond which it is no more one line to read.
const maxMessage = 500

// short cuts a message that holds a whole text of the template or the data.
func short(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + " ..."
}
