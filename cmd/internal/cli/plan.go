package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"ftadvise/calibrate"
	"ftadvise/calibrate/estimate"
	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/hf"
	"ftadvise/cmd/internal/config"
)

func (a *app) planVerb() (*cobra.Command, error) {
	var preset string
	cmd, err := verb("plan", "say what a calibration would run, how long it would take and how much memory; runs nothing",
		func(cmd *cobra.Command, _ []string) error { return a.plan(cmd, preset) }, append(calibrationPaths(), "random_weights")...)
	if err != nil {
		return nil, err
	}
	cmd.Flags().StringVar(&preset, "preset", "", "essay: the fixed thirty-step comparison")
	return cmd, nil
}

// planOutput is plan's JSON.
type planOutput struct {
	Schema       int                `json:"schema"`
	Basis        string             `json:"basis"` // where the step times come from
	Model        evidence.Model     `json:"model"`
	Data         evidence.Data      `json:"data"`
	Device       string             `json:"device"`
	Precision    string             `json:"precision"`
	SeqLength    int                `json:"seq_length"`
	Batch        int                `json:"batch"` // rows a step
	HorizonSteps int                `json:"horizon_steps"`
	Plan         evidence.Plan      `json:"plan"`
	Seconds      float64            `json:"seconds"`
	Arms         []plannedArm       `json:"arms"`
	Trials       []evidence.Trial   `json:"trials"`
	Warnings     []evidence.Warning `json:"warnings"`
}

// plannedArm is what one method is expected to take.
type plannedArm struct {
	Method      evidence.Method `json:"method"`
	StepSeconds float64         `json:"step_seconds"`
	EvalSeconds float64         `json:"eval_seconds"`
	Memory      estimate.Memory `json:"memory"`
	TotalBytes  int64           `json:"total_bytes"`
}

func (a *app) plan(cmd *cobra.Command, preset string) error {
	c, err := a.settings(cmd)
	if err != nil {
		return err
	}
	m, err := a.openModel(cmd.Context(), c.Config, c.RandomWeights)
	if err != nil {
		return err
	}
	if preset == calibrate.PresetEssay {
		layEssay(c, m.config)
		if err := a.needData(c); err != nil {
			return err
		}
	} else if preset != "" {
		return fail(exitUsage, "there is one: essay", "unknown preset %q", preset)
	}
	if err := m.check(c.Config); err != nil {
		return err
	}
	spec, machine, err := a.specOnly(cmd.Context(), c.Config, m)
	if err != nil {
		return err
	}
	spec.Preset = preset
	out, err := a.preview(c.Config, m.config, spec, machine)
	if err != nil {
		return err
	}
	return a.printPlan(out, c.Output)
}

// specOnly resolves a spec as calibrate would, with the data packed aside and thrown
// away. Without an engine the CPU is assumed.
func (a *app) specOnly(ctx context.Context, c config.Config, m baseModel) (calibrate.Spec, evidence.Environment, error) {
	machine, err := a.machine(ctx, c)
	if err != nil {
		return calibrate.Spec{}, machine, err
	}
	s, err := resolveShape(c, m, machine)
	if err != nil {
		return calibrate.Spec{}, machine, err
	}
	dir, err := os.MkdirTemp("", "ftadvise-plan-*")
	if err != nil {
		return calibrate.Spec{}, machine, err
	}
	packed, err := a.pack(ctx, c, m, s, filepath.Join(dir, packFile))
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		return calibrate.Spec{}, machine, err
	}
	return spec(c, m, s, packed), machine, nil
}

// machine asks the engine what it would train on.
func (a *app) machine(ctx context.Context, c config.Config) (evidence.Environment, error) {
	engine, err := a.startEngine(c, io.Discard)
	if err != nil {
		a.voice().warning(fmt.Sprintf("%v; a CPU is assumed", err))
		return evidence.Environment{}, nil
	}
	machine, err := engine.Info(ctx)
	return machine, errors.Join(err, engine.Close())
}

// preview looks ahead by the costs of an earlier run of this model, or by guesses.
func (a *app) preview(c config.Config, model hf.Config, spec calibrate.Spec, machine evidence.Environment) (planOutput, error) {
	out := planOutput{
		Schema: 1, Model: spec.Model, Data: spec.Data, Device: spec.Device, Precision: spec.Precision,
		SeqLength: spec.SeqLength, Batch: spec.MicroBatch * spec.Accumulation, HorizonSteps: spec.HorizonSteps,
	}
	out.Data.Samples = nil // a plan shows numbers, not the user's records
	costs, basis, err := a.measuredCosts(c, spec)
	if err == nil && !spec.Priced(costs) {
		costs, basis, err = guessCosts(model, spec, machine)
	}
	if err != nil {
		return out, err
	}
	look := calibrate.Preview(spec, costs)
	if out.Arms, err = plannedArms(model, spec, look.Costs); err != nil {
		return out, err
	}
	out.Basis, out.Plan, out.Seconds, out.Trials = basis, look.Plan, look.Seconds, look.Trials
	out.Warnings = append(append([]evidence.Warning{}, spec.Warnings...), look.Warnings...)
	return out, nil
}

func plannedArms(model hf.Config, spec calibrate.Spec, costs []calibrate.Cost) ([]plannedArm, error) {
	var out []plannedArm
	for _, cost := range costs {
		memory, err := estimate.MemoryOf(model, cost.Method, shapeOf(spec))
		if err != nil {
			return nil, err
		}
		out = append(out, plannedArm{cost.Method, cost.StepSeconds, cost.EvalSeconds, memory, memory.Total()})
	}
	return out, nil
}

func shapeOf(s calibrate.Spec) estimate.Shape {
	return estimate.Shape{
		MicroBatch: s.MicroBatch, Accumulation: s.Accumulation, SeqLength: s.SeqLength,
		Precision: s.Precision, Checkpointing: s.Checkpointing,
	}
}

func (a *app) printPlan(p planOutput, output string) error {
	if output == "json" {
		return a.writeJSON(p)
	}
	a.warn(p.Warnings)
	var head table
	head.add("time", fmt.Sprintf("about %s (%s)", seconds(p.Seconds), p.Basis))
	head.add("model", fmt.Sprintf("%s, %s parameters", p.Model.Name, count(p.Model.Params)))
	head.add("data", fmt.Sprintf("%s, %d records, %s tokens an epoch", p.Data.Name, p.Data.Records, count(p.Data.Tokens)))
	head.add("device", p.Device+", "+p.Precision)
	head.add("step", fmt.Sprintf("%d rows of %d tokens", p.Batch, p.SeqLength))
	head.add("horizon", fmt.Sprintf("%d steps, of which the probe sees %d%s", p.HorizonSteps, p.Plan.ProbeSteps, p.horizonText()))
	for _, m := range p.Plan.LeftOut {
		head.add("left out", m.String()+": a larger --budget pays for it beside the others")
	}
	arms := table{head: []string{"method", "step time", "memory", "weights", "gradients and state", "activations"}}
	for _, arm := range p.Arms {
		m := arm.Memory
		arms.add(arm.Method.String(), seconds(arm.StepSeconds), gibibytes(arm.TotalBytes), gibibytes(m.Weights), gibibytes(m.Gradients+m.Optimizer), gibibytes(m.Activations))
	}
	trials := table{head: []string{"trial", "stage", "method", "rate", "steps"}}
	for _, t := range p.Trials {
		trials.add(t.ID, string(t.Stage), t.Method.String(), fmt.Sprintf("%.2g", t.LearningRate), fmt.Sprint(t.Steps))
	}
	return a.printTables(output, head, arms, trials)
}

// horizonText is the horizon in tokens and in passes over the data.
func (p planOutput) horizonText() string {
	tokens := float64(p.HorizonSteps) * float64(p.Batch*p.SeqLength)
	if p.Data.Tokens <= 0 {
		return ""
	}
	return fmt.Sprintf("; %s tokens, %.3g epochs", count(int64(tokens)), tokens/float64(p.Data.Tokens))
}
