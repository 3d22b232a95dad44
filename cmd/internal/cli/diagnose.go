package cli

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf/hub"
	"ftadvise/calibrate/store"
	"ftadvise/reports/metrics"
)

// diagnose turns an error into an exit code and a hint. What a verb said of itself
// wins; otherwise the innermost truth decides.
func diagnose(err error) (code int, hint string) {
	var own *failure
	var signal signalled
	var input *calibrate.InputError
	var engine *calibrate.EngineError
	var machine *calibrate.EnvironmentError
	var listen *metrics.ListenError
	var hubless *hub.UnreachableError
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
		return diagnoseEngine(engine)
	case errors.As(err, &machine):
		return exitEnvironment, machine.Hint
	case errors.As(err, &listen):
		return exitEnvironment, listen.Hint()
	case errors.As(err, &hubless):
		return exitEnvironment, hubless.Hint()
	case errors.Is(err, errGated):
		return exitGate, ""
	}
	return diagnoseStore(err)
}

// diagnoseEngine tells an engine that died from one whose libraries are not there, which
// the dynamic linker says before the engine can.
func diagnoseEngine(err *calibrate.EngineError) (code int, hint string) {
	if strings.Contains(err.Stderr, "error while loading shared libraries") {
		return exitEnvironment, "libtorch is not where the engine was built with it; run make build again, or ftadvise doctor"
	}
	if fullDisk(err) { // the engine writes checkpoints of its own
		return exitEnvironment, ""
	}
	return exitEngine, ""
}

// fullDisk reports whether no space was left, here or in the engine, whose errors come as
// text.
func fullDisk(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || err != nil && strings.Contains(err.Error(), syscall.ENOSPC.Error())
}

// diagnoseStore maps what the store of runs refused.
func diagnoseStore(err error) (code int, hint string) {
	var format *evidence.FormatError
	switch {
	case errors.Is(err, store.ErrBusy), errors.Is(err, store.ErrDamaged), errors.As(err, &format):
		return exitStore, advice(err)
	}
	if code, hint := diagnoseSystem(err); code != exitBug {
		return code, hint
	}
	return diagnoseRefusal(err)
}

// diagnoseRefusal maps what the packages below calibrate refuse: model, tokenizer,
// data, policy. Each says itself what to do.
func diagnoseRefusal(err error) (code int, hint string) {
	var hinted interface {
		error
		Hint() string
	}
	switch {
	case errors.As(err, &hinted):
		return exitInput, hinted.Hint()
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ENAMETOOLONG):
		return exitInput, "check the path"
	}
	var refused syscall.Errno
	if errors.As(err, &refused) { // whatever else the system says is no bug of ours
		return exitEnvironment, ""
	}
	return exitBug, ""
}

// advice is the hint that an error itself carries.
func advice(err error) string {
	_, hint := diagnoseRefusal(err)
	return hint
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
	}
	return exitBug, ""
}
