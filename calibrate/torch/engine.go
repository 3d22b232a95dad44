package torch

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/torch/decoder"
	"ftadvise/calibrate/torch/shim"
)

// Engine trains on libtorch in this process. Its methods may be called from any
// goroutine, one at a time.
type Engine struct {
	work      chan func()
	noCUDA    string
	finiteDir string // the model folder whose weights were found finite
	threads   *threads
	tuning    Tuning
	recorder  func() recorder                        // in place of CUDA's, for tests
	attention map[attentionWork]decoder.BackendTimes // timed once
}

// Tuning chooses by hand how a step is carried out; the zero Tuning lets the engine choose.
type Tuning struct {
	NoGraph   bool   // CUDA: issue each operation by itself
	Attention string // CUDA: flash, cudnn or efficient; empty: the fastest
}

// New starts the engine. It needs no GPU: without CUDA only the device cpu works.
func New() (*Engine, error) {
	e := &Engine{work: make(chan func()), noCUDA: shim.Load(), attention: map[attentionWork]decoder.BackendTimes{}}
	e.threads = &threads{cores: shim.Threads(), processors: runtime.GOMAXPROCS(0), chosen: map[string]int{}}
	ready := make(chan error)
	go e.loop(ready)
	if err := <-ready; err != nil {
		return nil, &calibrate.EnvironmentError{What: "starting libtorch", Hint: "run ftadvise doctor", Err: err}
	}
	return e, nil
}

// loop runs everything that touches libtorch, on one OS thread: its modes and errors
// are the thread's.
func (e *Engine) loop(ready chan<- error) {
	ready <- shim.Begin()
	for f := range e.work {
		f()
	}
}

// on runs f on libtorch's thread, which starts anew after Close.
func (e *Engine) on(f func() error) error {
	if e.work == nil {
		fresh, err := New()
		if err != nil {
			return err
		}
		e.work, e.noCUDA = fresh.work, fresh.noCUDA
	}
	done := make(chan error)
	e.work <- func() { done <- f() }
	return <-done
}

// Info says which libtorch and which machine this is.
func (e *Engine) Info(context.Context) (evidence.Environment, error) {
	var env evidence.Environment
	err := e.on(func() error {
		env = environment(e.noCUDA)
		return nil
	})
	return env, err
}

// Close frees nothing but the goroutine: a trial's memory goes with the trial. It may be
// called twice, and what is called after it starts another.
func (e *Engine) Close() error {
	if e.work != nil {
		close(e.work)
		e.work = nil
	}
	return nil
}

// Train implements calibrate.Engine.
func (e *Engine) Train(ctx context.Context, group calibrate.Group, observe func(calibrate.Event)) error {
	return e.on(func() error { return refused(e.train(ctx, group, observe)) })
}

// deviceOf reads cpu, cuda or cuda:N.
func deviceOf(name, noCUDA string) (int, error) {
	if name == "cpu" {
		return shim.CPU, nil
	}
	rest, ok := strings.CutPrefix(name, "cuda")
	index := 0
	if number, numbered := strings.CutPrefix(rest, ":"); numbered {
		n, err := strconv.Atoi(number)
		ok, index = ok && err == nil && n >= 0, n
	} else if rest != "" {
		ok = false
	}
	if !ok {
		return 0, &calibrate.InputError{Where: "device", What: fmt.Sprintf("%q is no device", name), Hint: "use cpu, cuda or cuda:1"}
	}
	if n := shim.CUDACount(); index >= n {
		return 0, noDevice(name, n, noCUDA)
	}
	return index, nil
}

func noDevice(name string, n int, noCUDA string) error {
	if noCUDA != "" {
		return &calibrate.EnvironmentError{What: "device " + name, Hint: "use --device cpu, or install libtorch with CUDA", Err: errors.New(noCUDA)}
	}
	return &calibrate.EnvironmentError{What: fmt.Sprintf("device %s: libtorch sees %d CUDA devices", name, n), Hint: "look at nvidia-smi and CUDA_VISIBLE_DEVICES, or use --device cpu"}
}
