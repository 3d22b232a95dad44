package tokenizer

import "fmt"

// Error is a tokenizer that cannot be used: where, what is wrong, what to do.
type Error struct {
	Where  string // the file, or the part of it
	What   string
	Advice string
}

func (e *Error) Error() string {
	if e.Where == "" {
		return e.What
	}
	return e.Where + ": " + e.What
}

// Hint says what to do about it; empty if there is nothing but to choose another file.
func (e *Error) Hint() string { return e.Advice }

func refuse(where, format string, args ...any) *Error {
	return &Error{Where: where, What: fmt.Sprintf(format, args...)}
}

// unknownPart names a part of the pipeline that this package does not know.
func unknownPart(where, kind string) *Error {
	return &Error{
		Where:  where,
		What:   fmt.Sprintf("%q is not supported", kind),
		Advice: "ids made without that part would be wrong; use another model",
	}
}
