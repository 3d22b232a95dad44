package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"ftadvise/calibrate"
	"ftadvise/calibrate/enginetest"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/worker"
)

var update = flag.Bool("update", false, "rewrite the expected output in the scripts")

// TestMain lets the test binary be ftadvise, and its engine a scripted one that speaks
// the real protocol from a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"ftadvise":        main,
		"ftadvise-engine": scriptedEngine,
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_DATA_HOME", env.WorkDir+"/share")
			if err := occupy(env); err != nil {
				return err
			}
			repository, err := filepath.Abs(filepath.Join("..", ".."))
			if err != nil {
				return err
			}
			env.Setenv("REPOSITORY", repository)
			env.Setenv("NASTY", "ru\x1b[31mns\u202e")
			return writeFixtures(env.WorkDir)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"valid": valid,
		},
	})
}

// occupy takes a port for the script's time and names it $BUSY.
func occupy(env *testscript.Env) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	env.Defer(func() { listener.Close() })
	env.Setenv("BUSY", listener.Addr().String())
	return nil
}

// exits runs a program and asks for its exit code: exits CODE PROGRAM ARGS...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := err.(interface{ ExitCode() int })
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// valid asks that the last program's stdout keeps a schema: valid docs/schema/X.json
func valid(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] valid SCHEMA")
	}
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(ts.Getenv("REPOSITORY"), args[0]))
	ts.Check(err)
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(ts.ReadFile("stdout")))
	ts.Check(err)
	if err := schema.Validate(value); (err != nil) != neg {
		ts.Fatalf("%s: %v", args[0], err)
	}
}

// scriptedEngine is ftadvise-engine as ENGINE says: trap (the default), tie and so on, and
// then what goes wrong at the third step of the search.
func scriptedEngine() {
	story, fault, _ := strings.Cut(os.Getenv("ENGINE"), ",")
	script := storyOf(story)
	if story == "classes" {
		script.Accuracy = func(t evidence.Trial, step int) float64 { return 1 - script.Loss(t, step)/5 }
	}
	script.Fail = func(t evidence.Trial, step int) error { return misbehave(fault, t, step) }
	if story == "nofit" {
		script.OutOfMemory = func(evidence.Trial, int, int) bool { return true }
	}
	if story == "fullnofit" {
		script.OutOfMemory = func(t evidence.Trial, _, _ int) bool { return t.Method.Kind == evidence.Full }
	}
	if err := worker.Serve(context.Background(), os.Stdin, os.Stdout, enginetest.New(script)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func storyOf(name string) enginetest.Script {
	switch name {
	case "tie":
		return settled(enginetest.Tie())
	case "overfit":
		return settled(enginetest.Overfit())
	case "ranks":
		return settled(enginetest.Ranks())
	case "targets":
		return settled(enginetest.Targets())
	case "lost":
		return settled(enginetest.Lost())
	}
	return settled(enginetest.Trap())
}

// settled has the search prefer rates above those that are best in the end, and higher
// ranks lower ones, as in training; a script's own best rates stay the same.
func settled(s enginetest.Script) enginetest.Script {
	at := func(t evidence.Trial) evidence.Trial {
		if t.Stage == evidence.StageSearch {
			t.LearningRate /= 6
		}
		if t.Method.Kind == evidence.LoRA {
			t.LearningRate *= math.Sqrt(float64(t.Method.Rank) / 8)
		}
		return t
	}
	loss, diverges := s.Loss, s.Diverges
	s.Loss = func(t evidence.Trial, step int) float64 { return loss(at(t), step) }
	s.Diverges = func(t evidence.Trial, step int) bool { return diverges != nil && diverges(at(t), step) }
	return s
}

func misbehave(fault string, t evidence.Trial, step int) error {
	if fault == "slow" {
		time.Sleep(20 * time.Millisecond)
	}
	if t.Stage != evidence.StageSearch || step != 3 {
		return nil
	}
	switch fault {
	case "kill":
		return syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "babble":
		fmt.Println("Segmentation fault (core dumped)")
	case "hang":
		time.Sleep(time.Minute)
	case "input":
		return &calibrate.InputError{Where: "model.safetensors: lm_head.weight", What: "NaN at index 3", Hint: "the weights are damaged"}
	}
	return nil
}
