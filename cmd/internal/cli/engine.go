package cli

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"ftadvise/calibrate/worker"
	"ftadvise/cmd/internal/config"
)

// engineName is the training program's.
const engineName = "ftadvise-engine"

const engineHint = "build it by make build, or name it: --engine PATH; ftadvise doctor says what else is missing"

// findEngine looks for the training program: --engine, beside this program, on PATH.
func (a *app) findEngine(c config.Config) (string, error) {
	if c.Engine != "" {
		path, err := exec.LookPath(c.Engine)
		if err != nil {
			return "", fail(exitEnvironment, engineHint, "no engine at %s: %v", c.Engine, reason(err))
		}
		return path, nil
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), engineName)
		if path, err := exec.LookPath(beside); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(engineName)
	if err != nil {
		return "", fail(exitEnvironment, engineHint, "no %s beside ftadvise or on PATH", engineName)
	}
	return path, nil
}

// reason drops what exec repeats around the cause.
func reason(err error) error {
	var e *exec.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// engineEnviron lets the engine's CPU threads sleep while they wait, unless the user
// says otherwise: on a machine that does other work too, spinning ones cost a step
// several times its own length.
func (a *app) engineEnviron() []string {
	environ := slices.Clone(a.environ)
	if a.env("OMP_WAIT_POLICY") == "" {
		environ = append(environ, "OMP_WAIT_POLICY=passive")
	}
	return environ
}

// startEngine returns the engine as a child that starts when it is first asked. What
// it says on its stderr goes to log.
func (a *app) startEngine(c config.Config, log io.Writer) (*worker.Engine, error) {
	path, err := a.findEngine(c)
	if err != nil {
		return nil, err
	}
	return worker.Start(path, worker.Options{
		Env: a.engineEnviron(), Quiet: c.Calibration.Stall, Stderr: log,
	}), nil
}
