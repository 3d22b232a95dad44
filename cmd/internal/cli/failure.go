package cli

import (
	"errors"
	"fmt"
)

// failure is an error whose exit code and hint the verb itself knows.
type failure struct {
	code int
	hint string
	err  error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// fail makes a failure of a code, with what to do about it.
func fail(code int, hint, format string, args ...any) error {
	return &failure{code, hint, fmt.Errorf(format, args...)}
}

// withHint adds what to do to an error, unless a hint is there already.
func withHint(err error, hint string) error {
	code, known := diagnose(err)
	if err == nil || known != "" {
		return err
	}
	return &failure{code, hint, err}
}

// signalled is the cause of a context that ended by a signal.
type signalled struct{ code int }

func (s signalled) Error() string {
	if s.code == exitTerminated {
		return "terminated"
	}
	return "interrupted"
}

// gated reports that the work was done and printed, and its answer is not the one
// that was required.
var errGated = errors.New("no verdict that meets the gate")
