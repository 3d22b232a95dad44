package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"ftadvise/advisor/policy"
	"ftadvise/calibrate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/store"
	"ftadvise/reports/metrics"
)

func TestDiagnose(t *testing.T) {
	path := func(errno syscall.Errno) error { return &fs.PathError{Op: "open", Path: "x", Err: errno} }
	tests := []struct {
		name string
		err  error
		code int
		hint string
	}{
		{"nothing", nil, 0, ""},
		{"unknown", errors.New("x"), exitBug, ""},
		{"a verb's own word", fail(exitGate, "do this", "x"), exitGate, "do this"},
		{"own word over the cause's", &failure{exitUsage, "h", &calibrate.InputError{What: "x"}}, exitUsage, "h"},
		{"input", &calibrate.InputError{Where: "f", What: "x", Hint: "h"}, exitInput, "h"},
		{"model", &hf.InputError{Where: "f", What: "x", Advice: "h"}, exitInput, "h"},
		{"policy", &policy.SyntaxError{What: "x", Fix: "h"}, exitInput, "h"},
		{"machine", &calibrate.EnvironmentError{What: "x", Hint: "h"}, exitEnvironment, "h"},
		{"engine", &calibrate.EngineError{What: "killed"}, exitEngine, ""},
		{"engine without libtorch", &calibrate.EngineError{What: "x", Stderr: "ftadvise-engine: error while loading shared libraries: libc10.so"}, exitEnvironment, "make build"},
		{"engine on a full disk", errors.Join(&calibrate.EngineError{What: "checkpoint: write x: no space left on device"}, path(syscall.ENOSPC)), exitEnvironment, ""},
		{"busy", &store.Error{What: "x", Advice: "h", Err: store.ErrBusy}, exitStore, "h"},
		{"damaged", &store.Error{What: "x", Advice: "h", Err: store.ErrDamaged}, exitStore, "h"},
		{"newer", &store.Error{What: "x", Advice: "h", Err: &evidence.FormatError{Newer: true}}, exitStore, "h"},
		{"no such run", &store.Error{What: "x", Advice: "h", Err: store.ErrNotFound}, exitInput, "h"},
		{"store not writable", &store.Error{What: "x", Err: path(syscall.EACCES)}, exitEnvironment, "write"},
		{"port", &metrics.ListenError{Where: ":1", Err: syscall.EADDRINUSE}, exitEnvironment, ""},
		{"bare port", syscall.EADDRINUSE, exitEnvironment, "port"},
		{"disk", path(syscall.ENOSPC), exitEnvironment, "disk is full"},
		{"read-only", path(syscall.EROFS), exitEnvironment, "write"},
		{"files", path(syscall.EMFILE), exitEnvironment, "ulimit"},
		{"fault of the disk", path(syscall.EIO), exitEnvironment, ""},
		{"no file", path(syscall.ENOENT), exitInput, "path"},
		{"no folder", path(syscall.ENOTDIR), exitInput, "path"},
		{"gate", errGated, exitGate, ""},
		{"interrupt", signalled{exitInterrupted}, exitInterrupted, ""},
		{"termination", signalled{exitTerminated}, exitTerminated, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wrapped := tt.err
			if wrapped != nil {
				wrapped = fmt.Errorf("while at work: %w", tt.err)
			}
			code, hint := diagnose(wrapped)
			if code != tt.code || !strings.Contains(hint, tt.hint) {
				t.Errorf("got %d, %q; want %d, %q", code, hint, tt.code, tt.hint)
			}
		})
	}
}

func TestSignalsNameTheirCode(t *testing.T) {
	for _, code := range []int{exitInterrupted, exitTerminated} {
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(signalled{code})
		var stderr bytes.Buffer
		a := &app{err: &stderr, started: true}
		cut := fail(exitEngine, "go on: ftadvise calibrate --resume X", "cut: %w", context.Canceled)
		if got := a.report(ctx, cut); got != code {
			t.Errorf("exit code %d, want %d", got, code)
		}
		if !strings.Contains(stderr.String(), "hint: go on: ftadvise calibrate --resume X") {
			t.Errorf("no hint in %q", stderr.String())
		}
	}
}

// Whatever is spoken is one line of printable characters.
func FuzzVoice(f *testing.F) {
	for _, seed := range []string{"plain", "two\nlines", "\x1b[31mred", "\u202ereversed", "\xff\xfe", "100%s", "tab\there"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		voice{w: &b}.failed(s)
		line := b.String()
		if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
			t.Errorf("not one line: %q", line)
		}
		if strings.ContainsAny(line, "\x1b\r\u202e\x00") {
			t.Errorf("not plain: %q", line)
		}
	})
}

func TestPanicIsABug(t *testing.T) {
	var stderr bytes.Buffer
	if code := Main([]string{"version"}, nil, nil, panicking{}, &stderr); code != exitBug {
		t.Errorf("exit code %d, want %d", code, exitBug)
	}
	if got := stderr.String(); !strings.HasPrefix(got, "ftadvise: error: a bug in ftadvise: ") || strings.Contains(got, "goroutine") {
		t.Errorf("said %q", got)
	}
}

type panicking struct{}

func (panicking) Write([]byte) (int, error) { panic("boom") }
