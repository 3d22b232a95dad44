package hub

import (
	"fmt"

	"ftadvise/calibrate/safetensors"
)

// InputError reports a name that is refused, or that the hub does not know or give.
type InputError = safetensors.InputError

func refuse(where, advice, format string, args ...any) error {
	return &InputError{Where: where, What: fmt.Sprintf(format, args...), Advice: advice}
}

// UnreachableError reports that the hub did not answer, or not usefully: it is the
// surroundings that fail, not the input. What was downloaded so far is kept.
type UnreachableError struct {
	Where  string // the endpoint
	What   string
	Advice string
	Err    error
}

// Error implements error.
func (e *UnreachableError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Where, e.What, e.Err)
	}
	return e.Where + ": " + e.What
}

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// Hint returns what to do about it.
func (e *UnreachableError) Hint() string { return e.Advice }

const adviceUnreachable = "try again, it goes on where it broke off; or give a folder; or set HF_HUB_OFFLINE=1 to use the cache alone"
