package history

// Error is a file that cannot be read as a run: where, why, and what to do.
type Error struct {
	Where  string // file, with line or byte where known
	What   string
	Advice string
	Err    error
}

// Error implements error.
func (e *Error) Error() string {
	text := e.Where + ": " + e.What
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Hint says what to do.
func (e *Error) Hint() string { return e.Advice }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
