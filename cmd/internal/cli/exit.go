package cli

// The exit codes, which scripts rely on.
const (
	exitDone        = 0
	exitBug         = 1   // a bug in ftadvise
	exitUsage       = 2   // unknown verb, flag or argument
	exitInput       = 3   // model, data, settings or policy refused; says file, tensor or line
	exitGate        = 4   // a policy's gate not met, or no verdict where one was required
	exitEnvironment = 5   // driver, libtorch, rights, disk, port
	exitDoesNotFit  = 6   // out of memory at the smallest setting
	exitEngine      = 7   // the engine died or hung; resumable
	exitStore       = 8   // the store is busy or damaged
	exitInterrupted = 130 // SIGINT; resumable
	exitTerminated  = 143 // SIGTERM; resumable
)
