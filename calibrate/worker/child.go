package worker

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/internal/jsonline"
)

// leaveWait is how long a child may take to leave once its stdin is closed: Serve's
// five seconds and some for freeing memory.
const leaveWait = leaveAfter + 2*time.Second

// line is one line of the child's stdout, or what came instead of one.
type line struct {
	data []byte
	err  error
}

// child is one running process. Its lines close when it has ended and been reaped.
type child struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	lines  chan line
	gone   chan struct{} // closed by kill and leave: nobody reads lines any more
	stderr *tail
	hello  Hello
	killed int64 // the system's count of memory kills before the start
}

// spawn starts the program in a process group of its own, so that a SIGINT from the
// terminal reaches the parent alone, which then asks the child to save.
func spawn(path string, opts Options) (*child, error) {
	cmd := exec.Command(path, opts.Args...)
	cmd.Env = opts.Env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second // a grandchild may hold stderr open
	errs := &tail{copy: opts.Stderr}
	cmd.Stderr = errs
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, cannotStart(path, err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, cannotStart(path, err)
	}
	c := &child{cmd: cmd, stdin: stdin, stderr: errs, killed: memoryKills(),
		lines: make(chan line), gone: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		return nil, cannotStart(path, err)
	}
	go c.read(stdout)
	return c, nil
}

func cannotStart(path string, err error) error {
	hint := "check that the file can be run"
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		hint = "build it with make build, or name it with --engine"
	}
	return &calibrate.EnvironmentError{What: "cannot start the engine " + path, Hint: hint, Err: err}
}

// read passes on the child's lines until its stdout ends, then reaps it.
func (c *child) read(stdout io.Reader) {
	defer close(c.lines)
	lines := bufio.NewReaderSize(stdout, 64<<10)
	for {
		data, err := jsonline.Read(lines)
		if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
			break
		}
		select {
		case c.lines <- line{data, err}:
		case <-c.gone:
		}
		if err != nil {
			break
		}
	}
	_, _ = io.Copy(io.Discard, stdout) // so that it does not block on a full pipe
	_ = c.cmd.Wait()                   // the state is read from cmd
}

// request writes one line to the child. A child that is gone shows when its lines
// end, so a broken pipe is no error here.
func (c *child) request(kind string, body any) error {
	data, err := jsonline.Encode(kind, body)
	if err != nil {
		return fmt.Errorf("request to the engine: %w", err)
	}
	_, _ = c.stdin.Write(data)
	return nil
}

// leave closes the child's stdin and waits for it to go.
func (c *child) leave() {
	_ = c.stdin.Close()
	timer := time.AfterFunc(leaveWait, c.end)
	defer timer.Stop()
	c.drain()
}

// kill ends the child's process group and waits for it to be reaped.
func (c *child) kill() {
	c.end()
	c.drain()
}

func (c *child) end() { _ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) }

func (c *child) drain() {
	close(c.gone)
	for range c.lines {
	}
}

// epitaph says how a process ended that nobody here ended.
func (c *child) epitaph() string {
	status, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case ok && status.Signaled() && status.Signal() == syscall.SIGKILL && memoryKills() > c.killed:
		return calibrate.KilledForMemory
	case ok && status.Signaled():
		return fmt.Sprintf("killed by signal %d (%s)", status.Signal(), status.Signal())
	case c.stderr.Crash() != "":
		return "crashed: " + c.stderr.Crash() // Go turns fatal signals into exit status 2
	}
	return fmt.Sprintf("left with exit status %d before it had answered", c.cmd.ProcessState.ExitCode())
}
