package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/internal/jsonline"
)

// Version is the protocol's. A parent refuses a child of another version: the two
// programs are built together, so a mismatch is a stale file, not a negotiation.
const Version = 1

// MaxLine is the longest line in bytes that either side accepts.
const MaxLine = jsonline.MaxBytes

// The types of the lines that are not events.
const (
	typeHello     = "hello"
	typeHeartbeat = "heartbeat"
	typeFinished  = "finished"
	typeFailure   = "failure"
	typeTrain     = "train"
	typeStop      = "stop"
)

// Hello is the child's first line.
type Hello struct {
	Protocol    int                  `json:"protocol"`
	Environment evidence.Environment `json:"environment"`
}

// Heartbeat says that the child's process lives. QuietSeconds is the time since the
// engine last reported an event: a process can live while its training hangs.
type Heartbeat struct {
	QuietSeconds float64 `json:"quiet_seconds"`
}

// Finished answers Train: every trial of the group has ended.
type Finished struct{}

// Failure answers Train, or stands in for Hello: calibrate's errors by kind.
type Failure struct {
	Kind  string `json:"kind"`            // input, environment, engine, interrupted
	Where string `json:"where,omitempty"` // for input: file, tensor, line
	What  string `json:"what"`
	Hint  string `json:"hint,omitempty"`
}

// The kinds of a Failure.
const (
	kindInput       = "input"
	kindEnvironment = "environment"
	kindEngine      = "engine"
	kindInterrupted = "interrupted"
)

// Train is the parent's request to train a group.
type Train struct {
	Group calibrate.Group `json:"group"`
}

// Stop is the parent's request to finish the step, save and answer.
type Stop struct{}

// failureOf puts an engine's error on the wire.
func failureOf(err error) Failure {
	var input *calibrate.InputError
	var env *calibrate.EnvironmentError
	var hinted interface{ Hint() string } // a reader's error: of a model, a pack, a tokenizer
	switch {
	case errors.As(err, &input):
		return Failure{Kind: kindInput, Where: input.Where, What: input.What, Hint: input.Hint}
	case errors.As(err, &hinted):
		return Failure{Kind: kindInput, What: err.Error(), Hint: hinted.Hint()}
	case errors.As(err, &env):
		return Failure{Kind: kindEnvironment, What: env.Error(), Hint: env.Hint}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Failure{Kind: kindInterrupted, What: "stopped on request"}
	}
	return Failure{Kind: kindEngine, What: err.Error()}
}

// errInterrupted is a Failure of that kind.
var errInterrupted = errors.New("interrupted")

// err takes a Failure off the wire. The caller adds stderr to an EngineError.
func (f Failure) err() error {
	switch f.Kind {
	case kindInput:
		return &calibrate.InputError{Where: f.Where, What: f.What, Hint: f.Hint}
	case kindEnvironment:
		return &calibrate.EnvironmentError{What: f.What, Hint: f.Hint}
	case kindInterrupted:
		return errInterrupted
	}
	return &calibrate.EngineError{What: f.What}
}

// decodeReply reads one line of the child's: a calibrate.Event, Hello, Heartbeat,
// Finished or Failure.
func decodeReply(line []byte) (any, error) {
	event, err := calibrate.DecodeEvent(line)
	if err != nil || event != nil {
		return event, err
	}
	kind, err := jsonline.Kind(line)
	if err != nil {
		return nil, err
	}
	switch kind {
	case typeHello:
		return decodeAs[Hello](line)
	case typeHeartbeat:
		return decodeAs[Heartbeat](line)
	case typeFinished:
		return decodeAs[Finished](line)
	case typeFailure:
		return decodeAs[Failure](line)
	}
	return nil, fmt.Errorf("unknown type %q", kind)
}

// decodeRequest reads one line of the parent's: Train or Stop.
func decodeRequest(line []byte) (any, error) {
	kind, err := jsonline.Kind(line)
	if err != nil {
		return nil, err
	}
	switch kind {
	case typeTrain:
		return decodeAs[Train](line)
	case typeStop:
		return decodeAs[Stop](line)
	}
	return nil, fmt.Errorf("unknown type %q", kind)
}

func decodeAs[T any](line []byte) (any, error) {
	var v T
	err := json.Unmarshal(line, &v)
	return v, err
}
