package worker_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/enginetest"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/worker"
)

// modeVariable makes this test binary play an engine's process.
const modeVariable = "WORKER_TEST_MODE"

func TestMain(m *testing.M) {
	if mode := os.Getenv(modeVariable); mode != "" {
		os.Exit(play(mode))
	}
	os.Exit(m.Run())
}

// play is the main of a child that behaves as the mode says.
func play(mode string) int {
	stdout, err := worker.ClaimStdout()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("a library's notice, which must not reach the protocol")
	switch mode {
	case "exit before hello":
		for i := range 60 {
			fmt.Fprintf(os.Stderr, "line %d\n", i)
		}
		return 3
	case "hang before hello":
		time.Sleep(time.Minute)
	case "other version":
		fmt.Fprintln(stdout, `{"type":"hello","protocol":99}`)
		time.Sleep(time.Minute)
	case "garbage before hello":
		fmt.Fprintln(stdout, "Segmentation fault is my name")
		time.Sleep(time.Minute)
	}
	if err := worker.Serve(context.Background(), os.Stdin, stdout, engineOf(mode, stdout)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// engineOf is a scripted engine that fails at step 3 as the mode says.
func engineOf(mode string, stdout *os.File) calibrate.Engine {
	if mode == "no libtorch" {
		return noLibtorch{}
	}
	script := enginetest.Trap()
	script.Fail = func(_ evidence.Trial, step int) error {
		if step < 3 {
			return nil
		}
		return fail(mode, stdout)
	}
	return enginetest.New(script)
}

func fail(mode string, stdout *os.File) error {
	switch mode {
	case "slow":
		time.Sleep(5 * time.Millisecond)
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "abort":
		fmt.Fprintln(os.Stderr, "terminate called after throwing")
		_ = syscall.Kill(os.Getpid(), syscall.SIGABRT)
		time.Sleep(time.Minute)
	case "exit":
		os.Exit(1)
	case "hang":
		time.Sleep(time.Hour)
	case "freeze":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		time.Sleep(time.Minute)
	case "babble":
		fmt.Fprintln(stdout, "rubbish \x00\xff")
	case "flood":
		fmt.Fprint(stdout, strings.Repeat("x", worker.MaxLine+2))
	case "unknown type":
		fmt.Fprintln(stdout, `{"type":"surprise"}`)
	case "input":
		return &calibrate.InputError{Where: "model.safetensors", What: "tensor x is truncated", Hint: "fetch it again"}
	case "environment":
		return &calibrate.EnvironmentError{What: "the GPU fell off the bus", Hint: "look at dmesg"}
	case "broken":
		return errors.New("internal assert failed")
	case "panic":
		panic("index out of range")
	}
	return nil
}

type noLibtorch struct{ calibrate.Engine }

func (noLibtorch) Info(context.Context) (evidence.Environment, error) {
	return evidence.Environment{}, &calibrate.EnvironmentError{What: "no libtorch", Hint: "make setup"}
}

// start returns an engine whose child plays the mode.
func start(t testing.TB, mode string, opts worker.Options) *worker.Engine {
	t.Helper()
	opts.Env = append(os.Environ(), modeVariable+"="+mode)
	engine := worker.Start(os.Args[0], opts)
	t.Cleanup(func() { _ = engine.Close() })
	return engine
}
