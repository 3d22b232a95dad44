package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
)

// Options are how a child is started and watched. Zero durations take the defaults.
type Options struct {
	Args   []string      // after the program's name
	Env    []string      // nil is the parent's environment
	Stall  time.Duration // no line for so long: the process hangs; 60 s
	Quiet  time.Duration // heartbeats but no event for so long: the training hangs; 15 min
	Grace  time.Duration // from Stop to the answer, before the child is killed; 30 s
	Stderr io.Writer     // gets what the child writes on its stderr, line by line
	Babble io.Writer     // gets the bytes that were not understood
}

// The defaults of Options. Quiet allows for reading a large model from a slow disk
// and for a step of many micro-batches, between which no event falls.
const (
	DefaultStall = 60 * time.Second
	DefaultQuiet = 15 * time.Minute
	DefaultGrace = 30 * time.Second
)

// Engine is a calibrate.Engine that lives in a child process.
type Engine struct {
	path  string
	opts  Options
	child *child // nil until needed and after a failure
}

var _ calibrate.Engine = (*Engine)(nil)

// Start returns the engine of the program at path. The process itself starts with
// the first call of Info or Train, and anew after a Close or a failure.
func Start(path string, opts Options) *Engine {
	orDefault(&opts.Stall, DefaultStall)
	orDefault(&opts.Quiet, DefaultQuiet)
	orDefault(&opts.Grace, DefaultGrace)
	return &Engine{path: path, opts: opts}
}

func orDefault(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}

// Info implements calibrate.Engine by the child's Hello.
func (e *Engine) Info(ctx context.Context) (evidence.Environment, error) {
	if err := e.ready(ctx); err != nil {
		return evidence.Environment{}, err
	}
	return e.child.hello.Environment, nil
}

// Train implements calibrate.Engine. When ctx ends it asks the child to stop and
// passes on what it still reports; a child that does not answer in time is killed.
func (e *Engine) Train(ctx context.Context, group calibrate.Group, observe func(calibrate.Event)) error {
	if err := e.ready(ctx); err != nil {
		return err
	}
	if err := e.child.request(typeTrain, Train{Group: group}); err != nil {
		return err
	}
	err := e.follow(ctx, func(reply any) (bool, error) {
		switch reply := reply.(type) {
		case calibrate.Event:
			observe(reply)
			return false, nil
		case Finished:
			return true, nil
		case Failure:
			return true, e.failed(reply)
		}
		return true, e.nonsense(fmt.Errorf("%T during a training", reply), nil)
	})
	if errors.Is(err, errInterrupted) {
		return e.interrupted(ctx)
	}
	return err
}

// interrupted tells our own Stop from a signal that somebody sent to the child.
func (e *Engine) interrupted(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := e.child
	_ = e.Close()
	return &calibrate.EngineError{What: "was stopped from outside", Stderr: c.stderr.String()}
}

// failed turns a Failure into the error it stands for. After one of the engine's own
// the child is useless and ends; so is one that somebody else interrupted.
func (e *Engine) failed(f Failure) error {
	if f.Kind == kindInput || f.Kind == kindEnvironment || f.Kind == kindInterrupted {
		return f.err()
	}
	c := e.child
	_ = e.Close()
	return &calibrate.EngineError{What: f.What, Stderr: c.stderr.String()}
}

// Close implements calibrate.Engine: the child's stdin closes and it leaves, or is
// killed.
func (e *Engine) Close() error {
	if e.child != nil {
		e.child.leave()
		e.child = nil
	}
	return nil
}

// ready starts a child where there is none and waits for its Hello.
func (e *Engine) ready(ctx context.Context) error {
	if e.child != nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := spawn(e.path, e.opts)
	if err != nil {
		return err
	}
	e.child = c
	return e.follow(ctx, func(reply any) (bool, error) {
		switch reply := reply.(type) {
		case Hello:
			return true, e.greet(reply)
		case Failure:
			err := e.failed(reply)
			_ = e.Close()
			return true, err
		}
		return true, e.nonsense(fmt.Errorf("%T before hello", reply), nil)
	})
}

func (e *Engine) greet(hello Hello) error {
	if hello.Protocol != Version {
		e.child.kill()
		e.child = nil
		return &calibrate.EnvironmentError{
			What: fmt.Sprintf("%s speaks protocol %d, not %d", e.path, hello.Protocol, Version),
			Hint: "build ftadvise and ftadvise-engine from the same source: make build",
		}
	}
	e.child.hello = hello
	return nil
}

// follow hands the child's replies to handle until that is done, and watches: the
// context, the time since the last line, the time since the last event. Heartbeats
// stay here. After any failure of the child itself, it is gone.
func (e *Engine) follow(ctx context.Context, handle func(reply any) (bool, error)) error {
	stall := time.NewTimer(e.opts.Stall)
	defer stall.Stop()
	cancelled := ctx.Done()
	var grace <-chan time.Time
	for {
		select {
		case line, ok := <-e.child.lines:
			if !ok {
				return e.died()
			}
			stall.Reset(e.opts.Stall)
			done, err := e.take(line, handle)
			if done || err != nil {
				return err
			}
		case <-cancelled:
			cancelled, grace = nil, time.After(e.opts.Grace)
			if err := e.child.request(typeStop, Stop{}); err != nil {
				return err
			}
		case <-grace:
			return e.kill(fmt.Sprintf("did not stop within %s and was killed", e.opts.Grace))
		case <-stall.C:
			return e.kill(fmt.Sprintf("no heartbeat for %s; killed", e.opts.Stall))
		}
	}
}

// take decodes one line and handles it, unless it is a heartbeat.
func (e *Engine) take(line line, handle func(reply any) (bool, error)) (bool, error) {
	if line.err != nil {
		return true, e.nonsense(line.err, line.data)
	}
	reply, err := decodeReply(line.data)
	if err != nil {
		return true, e.nonsense(err, line.data)
	}
	if beat, ok := reply.(Heartbeat); ok {
		if beat.QuietSeconds > e.opts.Quiet.Seconds() {
			return true, e.kill(fmt.Sprintf("alive but without progress for %s; killed", e.opts.Quiet))
		}
		return false, nil
	}
	return handle(reply)
}

// nonsense keeps what was not understood and ends the child.
func (e *Engine) nonsense(cause error, data []byte) error {
	if e.opts.Babble != nil && len(data) > 0 {
		_, _ = e.opts.Babble.Write(append(data, '\n')) // a lost copy changes nothing
	}
	err := e.kill("talked nonsense")
	err.Err = cause
	return err
}

// kill ends the child for the reason given.
func (e *Engine) kill(why string) *calibrate.EngineError {
	c := e.child
	e.child = nil
	c.kill()
	return &calibrate.EngineError{What: why, Stderr: c.stderr.String()}
}

// died tells how a child ended that nobody ended.
func (e *Engine) died() error {
	c := e.child
	e.child = nil
	return &calibrate.EngineError{What: c.epitaph(), Stderr: c.stderr.String()}
}
