package safetensors

// InputError reports a file that is refused: where, what is wrong, what to do.
type InputError struct {
	Where  string // the file, and the tensor or field in it
	What   string
	Advice string // may be empty
}

// Error implements error.
func (e *InputError) Error() string {
	if e.Where == "" {
		return e.What
	}
	return e.Where + ": " + e.What
}

// Hint returns what to do about it.
func (e *InputError) Hint() string { return e.Advice }
