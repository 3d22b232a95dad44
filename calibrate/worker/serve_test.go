package worker

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/internal/jsonline"
)

// deaf is an engine whose training ends when released, whatever its context says.
type deaf struct {
	calibrate.Engine
	training chan struct{} // closed when a training begins
	release  chan struct{}
	heeds    bool
}

func newDeaf() *deaf {
	return &deaf{training: make(chan struct{}), release: make(chan struct{})}
}

func (*deaf) Info(context.Context) (evidence.Environment, error) {
	return evidence.Environment{Engine: "deaf"}, nil
}

func (d *deaf) Train(ctx context.Context, _ calibrate.Group, _ func(calibrate.Event)) error {
	close(d.training)
	if d.heeds {
		<-ctx.Done()
		return ctx.Err()
	}
	<-d.release
	return nil
}

// session is a Serve with the parent's ends of its pipes.
type session struct {
	stdin   *io.PipeWriter
	replies *bufio.Reader
	done    chan error
}

func converse(t *testing.T, ctx context.Context, engine calibrate.Engine) session {
	t.Helper()
	in, stdin := io.Pipe()
	stdout, out := io.Pipe()
	s := &server{engine: engine, out: out, started: time.Now(), beatEvery: 5 * time.Millisecond, leaveAfter: 30 * time.Millisecond}
	c := session{stdin, bufio.NewReader(stdout), make(chan error, 1)}
	go func() {
		c.done <- s.serve(ctx, in)
		_ = out.Close()
	}()
	return c
}

// next returns the next reply that is not a heartbeat.
func (c session) next(t *testing.T) any {
	t.Helper()
	for {
		line, err := jsonline.Read(c.replies)
		if err != nil {
			t.Fatalf("no reply: %v", err)
		}
		reply, err := decodeReply(line)
		if err != nil {
			t.Fatal(err)
		}
		if _, beat := reply.(Heartbeat); !beat {
			return reply
		}
	}
}

func (c session) say(t *testing.T, kind string, body any) {
	t.Helper()
	line, err := jsonline.Encode(kind, body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.stdin.Write(line); err != nil {
		t.Fatal(err)
	}
}

func (c session) ended(t *testing.T) error {
	t.Helper()
	go func() { _, _ = io.Copy(io.Discard, c.replies) }()
	select {
	case err := <-c.done:
		return err
	case <-time.After(5 * time.Second):
		t.Fatal("Serve did not return")
		return nil
	}
}

func TestServeEndsWithStdin(t *testing.T) {
	c := converse(t, context.Background(), newDeaf())
	if hello, ok := c.next(t).(Hello); !ok || hello.Protocol != Version || hello.Environment.Engine != "deaf" {
		t.Errorf("got %+v", hello)
	}
	_ = c.stdin.Close()
	if err := c.ended(t); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestServeLeavesWhenTheParentIsGone(t *testing.T) {
	for _, heeds := range []bool{true, false} {
		engine := newDeaf()
		engine.heeds = heeds
		c := converse(t, context.Background(), engine)
		c.next(t)
		c.say(t, typeTrain, Train{})
		<-engine.training
		_ = c.stdin.Close()
		if err := c.ended(t); !errors.Is(err, ErrParentGone) {
			t.Errorf("heeds %v: got %v", heeds, err)
		}
		close(engine.release)
	}
}

func TestServeStopsOnRequest(t *testing.T) {
	engine := newDeaf()
	engine.heeds = true
	c := converse(t, context.Background(), engine)
	c.next(t)
	c.say(t, typeTrain, Train{})
	c.say(t, typeStop, Stop{})
	if f, ok := c.next(t).(Failure); !ok || f.Kind != kindInterrupted {
		t.Errorf("got %+v", f)
	}
	c.say(t, typeStop, Stop{}) // one that comes too late is let pass
	_ = c.stdin.Close()
	if err := c.ended(t); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestServeHeedsItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	engine := newDeaf()
	engine.heeds = true
	c := converse(t, ctx, engine)
	c.next(t)
	c.say(t, typeTrain, Train{})
	<-engine.training
	cancel() // a SIGTERM of its own
	if err := c.ended(t); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestServeRefusesNonsense(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":      "hello?\n",
		"unknown type": `{"type":"dance"}` + "\n",
		"too long":     strings.Repeat("x", 2*MaxLine),
	} {
		c := converse(t, context.Background(), newDeaf())
		c.next(t)
		go func() { _, _ = io.WriteString(c.stdin, text) }()
		if f, ok := c.next(t).(Failure); !ok || f.Kind != kindEngine {
			t.Errorf("%s: got %+v", name, f)
		}
		if err := c.ended(t); err == nil {
			t.Errorf("%s: Serve went on", name)
		}
	}
}

func TestServeBeatsWhileTraining(t *testing.T) {
	engine := newDeaf()
	c := converse(t, context.Background(), engine)
	c.next(t)
	c.say(t, typeTrain, Train{})
	<-engine.training
	var last float64
	for range 3 {
		line, err := jsonline.Read(c.replies)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := decodeReply(line)
		beat, ok := reply.(Heartbeat)
		if err != nil || !ok {
			t.Fatalf("got %+v, %v", reply, err)
		}
		last = beat.QuietSeconds
	}
	if !(last > 0) {
		t.Errorf("quiet for %v s", last)
	}
	close(engine.release)
	if _, ok := c.next(t).(Finished); !ok {
		t.Error("not finished")
	}
}

func FuzzReply(f *testing.F) {
	f.Add([]byte(`{"type":"step","trial":"full","step":1,"loss":null}`))
	f.Add([]byte(`{"type":"hello","protocol":1}`))
	f.Add([]byte(`{"type":"failure","kind":"input"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		reply, err := decodeReply(line)
		if err != nil {
			return
		}
		event, ok := reply.(calibrate.Event)
		if !ok {
			return
		}
		out, err := calibrate.EncodeEvent(event)
		if err != nil {
			t.Fatalf("%+v was read but cannot be written: %v", event, err)
		}
		if _, err := calibrate.DecodeEvent(out); err != nil {
			t.Fatalf("%s was written but cannot be read: %v", out, err)
		}
	})
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"type":"train","group":{"segments":[{"to_step":3}]}}`))
	f.Add([]byte(`{"type":"stop"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if message, err := decodeRequest(line); (message == nil) && err == nil {
			t.Fatal("neither a message nor an error")
		}
	})
}
