package hf

import (
	"fmt"

	"ftadvise/calibrate/safetensors"
)

// InputError reports a model, adapter or method that is refused: Where (file, tensor,
// field or module), What, and Hint(), what to do about it.
type InputError = safetensors.InputError

// refuse makes an InputError.
func refuse(where, advice, format string, args ...any) error {
	return &InputError{Where: where, What: fmt.Sprintf(format, args...), Advice: advice}
}
