package worker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/internal/jsonline"
)

// Times of the serving side.
const (
	beatEvery  = 2 * time.Second
	leaveAfter = 5 * time.Second // a training that does not heed its context is left behind
)

// ErrParentGone means that stdin closed while a group was training.
var ErrParentGone = errors.New("the parent is gone")

// Serve lets a parent drive engine by the lines of in, answering on out, until in
// ends or ctx does. It says Hello first, which asks the engine for its Info. When in
// ends during a training, the training is cancelled and Serve returns ErrParentGone
// within five seconds, whether or not the engine heeded; the caller then exits. The
// goroutine that reads in ends with in alone. Closing the engine is the caller's.
func Serve(ctx context.Context, in io.Reader, out io.Writer, engine calibrate.Engine) error {
	s := &server{engine: engine, out: out, started: time.Now(), beatEvery: beatEvery, leaveAfter: leaveAfter}
	return s.serve(ctx, in)
}

func (s *server) serve(ctx context.Context, in io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go s.beat(ctx)
	info, err := s.engine.Info(ctx)
	if err != nil {
		s.send(typeFailure, failureOf(err))
		return err
	}
	s.send(typeHello, Hello{Protocol: Version, Environment: info})
	requests := make(chan request)
	go readRequests(ctx, in, requests)
	return s.loop(ctx, requests)
}

// request is a decoded line of the parent's, or why there is none.
type request struct {
	message any
	err     error
}

func readRequests(ctx context.Context, in io.Reader, requests chan<- request) {
	defer close(requests)
	lines := bufio.NewReader(in)
	for {
		line, err := jsonline.Read(lines)
		if errors.Is(err, io.EOF) {
			return
		}
		var message any
		if err == nil {
			message, err = decodeRequest(line)
		}
		select {
		case requests <- request{message, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// server is one Serve.
type server struct {
	engine     calibrate.Engine
	beatEvery  time.Duration
	leaveAfter time.Duration

	started time.Time
	touched atomic.Int64 // nanoseconds since started of the last event

	mu  sync.Mutex // events and heartbeats share the pipe
	out io.Writer
}

func (s *server) loop(ctx context.Context, requests <-chan request) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case r, ok := <-requests:
			if !ok {
				return nil
			}
			if r.err != nil {
				return s.refuse(r.err)
			}
			train, ok := r.message.(Train)
			if !ok {
				continue // a Stop that came after the last trial had ended
			}
			if err := s.train(ctx, train.Group, requests); err != nil {
				return err
			}
		}
	}
}

func (s *server) refuse(err error) error {
	err = fmt.Errorf("request not understood: %w", err)
	s.send(typeFailure, failureOf(err))
	return err
}

// train runs one group and answers it. The error is for ending Serve; the engine's
// own errors go to the parent.
func (s *server) train(ctx context.Context, group calibrate.Group, requests <-chan request) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.call(ctx, cancel, group) }()
	var leave <-chan time.Time
	var leaving error
	for {
		select {
		case err := <-done:
			s.answer(err)
			return leaving
		case <-leave:
			return leaving
		case r, ok := <-requests:
			cancel() // a Stop, or the end of the conversation
			if _, stop := r.message.(Stop); ok && stop {
				continue
			}
			leaving = ErrParentGone
			if ok {
				leaving = s.refuse(fmt.Errorf("%T during a training: %w", r.message, errors.Join(r.err)))
			}
			leave, requests = time.After(s.leaveAfter), nil
		}
	}
}

// call trains. An event that cannot be told ends the training, and a panic becomes an
// error, so that the parent hears of both.
func (s *server) call(ctx context.Context, cancel func(), group calibrate.Group) (err error) {
	var untold error
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		} else if untold != nil {
			err = untold
		}
	}()
	s.touch()
	return s.engine.Train(ctx, group, func(e calibrate.Event) {
		s.touch()
		line, err := calibrate.EncodeEvent(e)
		if err == nil {
			err = s.write(line)
		}
		if err != nil && untold == nil {
			untold = err
			cancel()
		}
	})
}

func (s *server) answer(err error) {
	if err != nil {
		s.send(typeFailure, failureOf(err))
		return
	}
	s.send(typeFinished, Finished{})
}

func (s *server) beat(ctx context.Context) {
	ticker := time.NewTicker(s.beatEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			quiet := time.Since(s.started) - time.Duration(s.touched.Load())
			s.send(typeHeartbeat, Heartbeat{QuietSeconds: quiet.Seconds()})
		}
	}
}

func (s *server) touch() { s.touched.Store(int64(time.Since(s.started))) }

// send writes one line. That nobody reads it shows at the next event or when stdin
// ends, so its own error is let go.
func (s *server) send(kind string, body any) {
	if line, err := jsonline.Encode(kind, body); err == nil {
		_ = s.write(line)
	}
}

func (s *server) write(line []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.out.Write(line)
	return err
}
