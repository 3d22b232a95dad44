package torch

import (
	"errors"

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
