package cli

import (
	"errors"
	"io/fs"
	"syscall"

	"ftadvise/calibrate"
)

// diagnose turns an error into an exit code and a hint. What a verb said of itself
// wins; otherwise the innermost truth decides.
func diagnose(err error) (code int, hint string) {
	var own *failure
	var signal signalled
	var input *calibrate.InputError
	var engine *calibrate.EngineError
	switch {
	case err == nil:
		return exitDone, ""
	case errors.As(err, &own):
		return own.code, own.hint
	case errors.As(err, &signal):
		return signal.code, ""
	case errors.As(err, &input):
		return exitInput, input.Hint
	case errors.As(err, &engine):
		return exitEngine, ""
	case errors.Is(err, errGated):
		return exitGate, ""
	}
	return diagnoseSystem(err)
}

// diagnoseSystem maps what the operating system refused.
func diagnoseSystem(err error) (code int, hint string) {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return exitEnvironment, "another program listens there; choose a free port"
	case errors.Is(err, syscall.ENOSPC):
		return exitEnvironment, "the disk is full; free some space, or use another --store"
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return exitEnvironment, "this user may not write or read there; use another place"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return exitEnvironment, "too many open files; raise the limit by ulimit -n"
	case errors.Is(err, fs.ErrNotExist):
		return exitInput, "check the path"
	}
	return exitBug, ""
}
