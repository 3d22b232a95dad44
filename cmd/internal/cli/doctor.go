package cli

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ftadvise/calibrate/evidence"
	"ftadvise/cmd/internal/config"
)

func (a *app) doctorVerb() (*cobra.Command, error) {
	return verb("doctor", "say what was found on this machine, what is missing and what to do", a.doctor, "engine")
}

// finding is one thing that doctor looked for.
type finding struct {
	Name   string `json:"name"`
	State  string `json:"state"` // ok, absent (not needed) or missing (needed)
	Found  string `json:"found"`
	Advice string `json:"advice,omitempty"`
}

const (
	stateOK      = "ok"
	stateAbsent  = "absent"
	stateMissing = "missing"
)

// doctorOutput is doctor's JSON.
type doctorOutput struct {
	Schema   int       `json:"schema"`
	Healthy  bool      `json:"healthy"`
	Findings []finding `json:"findings"`
}

func (a *app) doctor(cmd *cobra.Command, _ []string) error {
	c, err := a.settings(cmd)
	if err != nil {
		return err
	}
	findings := a.examine(cmd.Context(), c)
	if err := a.printFindings(findings, c.Output); err != nil {
		return err
	}
	for _, f := range findings {
		if f.State == stateMissing {
			return fail(exitEnvironment, f.Advice, "%s: %s", f.Name, f.Found)
		}
	}
	return nil
}

func (a *app) examine(ctx context.Context, c *config.Loaded) []finding {
	out := []finding{
		{Name: "ftadvise", State: stateOK, Found: version()},
		a.examineSettings(c),
	}
	out = append(out, a.examineEngine(ctx, c.Config)...)
	return append(out, a.examineDriver(ctx), a.examineTorch(ctx), a.examineStore(c.Config))
}

func (a *app) examineSettings(c *config.Loaded) finding {
	f := finding{Name: "settings", State: stateOK, Found: "built-in defaults"}
	if len(c.Files) > 0 {
		f.Found = strings.Join(c.Files, ", ")
	}
	return f
}

// engineTimeout is how long an engine may take to say hello: loading libtorch from a
// cold disk takes a few seconds.
const engineTimeout = time.Minute

// examineEngine finds the engine and asks it what it found.
func (a *app) examineEngine(ctx context.Context, c config.Config) []finding {
	program := finding{Name: "engine", State: stateOK}
	path, err := a.findEngine(c)
	if err != nil {
		return []finding{missing(program.Name, err)}
	}
	program.Found = path
	engine, err := a.startEngine(c, nil)
	if err != nil {
		return []finding{missing(program.Name, err)}
	}
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	env, err := engine.Info(ctx)
	if closeErr := engine.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return []finding{program, missing("libtorch", err)}
	}
	return append([]finding{program}, describeMachine(env)...)
}

// missing words an error as a finding, with its hint.
func missing(name string, err error) finding {
	_, hint := diagnose(err)
	return finding{Name: name, State: stateMissing, Found: err.Error(), Advice: hint}
}

func describeMachine(env evidence.Environment) []finding {
	gpu := finding{Name: "GPU", State: stateAbsent, Found: "none that the engine can use; it trains on the CPU"}
	if env.GPU != "" {
		gpu = finding{Name: "GPU", State: stateOK, Found: fmt.Sprintf("%s, %s of %s free, compute capability %s",
			env.GPU, gibibytes(env.GPUFreeBytes), gibibytes(env.GPUMemoryBytes), env.ComputeCapacity)}
	}
	return []finding{
		{Name: "libtorch", State: stateOK, Found: env.Libtorch + " (" + env.Engine + ")"},
		{Name: "CPU", State: stateOK, Found: fmt.Sprintf("%s, %d cores, %d threads, %s", env.CPU, env.Cores, env.Threads, gibibytes(env.MemoryBytes))},
		gpu,
	}
}

// examineDriver asks the NVIDIA driver's own program; a CPU needs none.
func (a *app) examineDriver(ctx context.Context) finding {
	out, err := output(ctx, "nvidia-smi", "--query-gpu=name,driver_version,memory.total,memory.used", "--format=csv,noheader")
	if err != nil {
		return finding{Name: "NVIDIA driver", State: stateAbsent, Found: "no nvidia-smi; needed only for a GPU"}
	}
	return finding{Name: "NVIDIA driver", State: stateOK, Found: strings.ReplaceAll(out, "\n", "; ")}
}

// examineTorch looks where make takes libtorch from: the variables, then Python.
func (a *app) examineTorch(ctx context.Context) finding {
	for _, name := range []string{"FTADVISE_LIBTORCH", "LIBTORCH"} {
		if dir := a.env(name); dir != "" {
			return finding{Name: "libtorch for the build", State: stateOK, Found: name + "=" + dir}
		}
	}
	out, err := output(ctx, "python3", "-c", "from importlib.metadata import version; print(version('torch'))")
	if err != nil {
		return finding{Name: "libtorch for the build", State: stateAbsent, Found: "no torch in the active Python; make fetches its own"}
	}
	return finding{Name: "libtorch for the build", State: stateOK, Found: "torch " + out + " of the active Python"}
}

// output runs a small program and returns its trimmed stdout.
func output(ctx context.Context, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).Output()
	return strings.TrimSpace(string(out)), err
}

func (a *app) printFindings(findings []finding, output string) error {
	healthy := true
	t := table{head: []string{"", "looked for", "found"}}
	for _, f := range findings {
		healthy = healthy && f.State != stateMissing
		t.add(f.State, f.Name, f.Found)
	}
	if output == "json" {
		return a.writeJSON(doctorOutput{Schema: 1, Healthy: healthy, Findings: findings})
	}
	return a.writeTable(t, output)
}
