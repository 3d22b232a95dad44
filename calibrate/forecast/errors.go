package forecast

// Error is a curve or a question that cannot be answered: which one, why, and what
// to do about it.
type Error struct {
	Where  string // trial or curve
	What   string
	Advice string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Where == "" {
		return e.What
	}
	return e.Where + ": " + e.What
}

// Hint says what to do.
func (e *Error) Hint() string { return e.Advice }
