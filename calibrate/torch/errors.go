package torch

import (
	"errors"
	"fmt"

	"ftadvise/calibrate"
	"ftadvise/calibrate/torch/shim"
)

// ErrDoesNotFit is wrapped by errors of the verbs that have no outcome to carry it.
var ErrDoesNotFit = shim.ErrOutOfMemory

// hinted is how packages below calibrate report input that they refuse.
type hinted interface {
	error
	Hint() string
}

// refused turns a lower package's refusal of input into calibrate's.
func refused(err error) error {
	var known *calibrate.InputError
	var h hinted
	if errors.As(err, &known) || !errors.As(err, &h) {
		return err
	}
	return &calibrate.InputError{What: err.Error(), Hint: h.Hint()}
}

// positive refuses a count below one.
func positive(where string, n int, of string) error {
	if n >= 1 {
		return nil
	}
	return &calibrate.InputError{Where: where, What: fmt.Sprintf("%d is no number of %s", n, of), Hint: "give 1 or more"}
}
