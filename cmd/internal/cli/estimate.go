package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ftadvise/calibrate/estimate"
	"ftadvise/calibrate/evidence"
	"ftadvise/cmd/internal/config"
)

func (a *app) estimateVerb() (*cobra.Command, error) {
	return verb("estimate", "reckon a step's memory and time from a model's config.json, before anything is measured", a.estimate,
		"model", "calibration.batch", "calibration.micro_batch", "calibration.seq_length", "calibration.precision", "calibration.checkpointing",
		"calibration.horizon", "calibration.methods", "lora.rank", "lora.targets", "lora.variant", "lora.modules_to_save", "lora.other_ranks", "stakes.gpu")
}

// needs is what one method needs.
type needs struct {
	Method     evidence.Method `json:"method"`
	Trainable  int64           `json:"trainable_params"`
	Memory     estimate.Memory `json:"memory"`
	TotalBytes int64           `json:"total_bytes"`
	StepFLOPs  float64         `json:"step_flops"`
	Devices    []stepOn        `json:"devices"`
}

// stepOn is a step on one device.
type stepOn struct {
	Device      string  `json:"device"`
	Fits        bool    `json:"fits"`
	StepSeconds float64 `json:"step_seconds"`
}

// estimateOutput is estimate's JSON.
type estimateOutput struct {
	Schema  int            `json:"schema"`
	Model   evidence.Model `json:"model"`
	Shape   estimate.Shape `json:"shape"`
	Methods []needs        `json:"methods"`
}

// contextBytes is what a CUDA context holds beside the allocator.
const contextBytes = 1 << 29

func (a *app) estimate(cmd *cobra.Command, _ []string) error {
	c, err := a.settings(cmd)
	if err != nil {
		return err
	}
	m, err := a.openModel(cmd.Context(), c.Config, true)
	if err != nil {
		return err
	}
	devices, err := devicesCalled(c.Stakes.GPU)
	if err != nil {
		return err
	}
	shape, err := estimateShape(c.Config, m)
	if err != nil {
		return err
	}
	out := estimateOutput{Schema: 1, Model: m.evidence, Shape: shape}
	for _, method := range methods(c.Config) {
		n, err := estimateMethod(m, method, shape, devices)
		if err != nil {
			return err
		}
		out.Methods = append(out.Methods, n)
	}
	a.warn(partedTies(c.Config, m))
	return a.printEstimate(out, devices, c.Output)
}

// estimateShape takes the settings as they would be on a GPU.
func estimateShape(c config.Config, m baseModel) (estimate.Shape, error) {
	length, err := seqLength(c, m, "cuda:0")
	if err != nil {
		return estimate.Shape{}, err
	}
	micro, accumulation, err := batching(c)
	return estimate.Shape{
		MicroBatch: micro, Accumulation: accumulation, SeqLength: length,
		Precision: precision(c, "cuda:0"), Checkpointing: c.Calibration.Checkpointing,
	}, err
}

// devicesCalled picks the devices by a GPU's type, or by a driver's name for it: every word
// of the one is among the other's.
func devicesCalled(gpu string) ([]estimate.Device, error) {
	var out []estimate.Device
	var names []string
	for _, d := range estimate.Devices() {
		names = append(names, d.Name)
		if mine, asked := wordsOf(d.Name), wordsOf(gpu); within(asked, mine) || within(mine, asked) {
			out = append(out, d)
		}
	}
	if len(out) == 0 {
		return nil, fail(exitUsage, "known are "+strings.Join(names, ", "), "--gpu: no device is called %q", gpu)
	}
	return out, nil
}

func wordsOf(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return strings.ContainsRune(" -_/", r) })
}

func within(words, all []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(all, w) })
}

func estimateMethod(m baseModel, method evidence.Method, s estimate.Shape, devices []estimate.Device) (needs, error) {
	memory, err := estimate.MemoryOf(m.config, method, s)
	if err != nil {
		return needs{}, err
	}
	trainable, err := m.config.TrainableParams(method)
	if err != nil {
		return needs{}, err
	}
	work, err := estimate.FLOPs(m.config, method, s)
	if err != nil {
		return needs{}, err
	}
	out := needs{Method: method, Trainable: trainable, Memory: memory, TotalBytes: memory.Total(), StepFLOPs: work}
	for _, d := range devices {
		took, err := estimate.Seconds(m.config, method, s, d)
		if err != nil {
			return needs{}, err
		}
		out.Devices = append(out.Devices, stepOn{d.Name, memory.Total()+contextBytes <= d.MemoryBytes, took})
	}
	return out, nil
}

func (a *app) printEstimate(e estimateOutput, devices []estimate.Device, output string) error {
	if output == "json" {
		return a.writeJSON(e)
	}
	t := table{head: []string{"method", "trainable", "weights", "gradients", "optimizer", "activations", "logits", "transient", "total", "TFLOP a step"}}
	speed := table{head: []string{"device", "memory", "method", "step"}}
	for _, n := range e.Methods {
		t.add(n.Method.String(), count(n.Trainable), gibibytes(n.Memory.Weights), gibibytes(n.Memory.Gradients), gibibytes(n.Memory.Optimizer),
			gibibytes(n.Memory.Activations), gibibytes(n.Memory.Logits), gibibytes(n.Memory.Transient), gibibytes(n.TotalBytes), fmt.Sprintf("%.3g", n.StepFLOPs/1e12))
	}
	for i, d := range devices {
		for _, n := range e.Methods {
			took := "does not fit"
			if n.Devices[i].Fits {
				took = seconds(n.Devices[i].StepSeconds)
			}
			speed.add(d.Name, gibibytes(d.MemoryBytes), n.Method.String(), took)
		}
	}
	return a.printTables(output, t, speed)
}

// printTables prints tables with a line between them.
func (a *app) printTables(output string, tables ...table) error {
	for i, t := range tables {
		if i > 0 {
			if _, err := fmt.Fprintln(a.out); err != nil {
				return err
			}
		}
		if err := a.writeTable(t, output); err != nil {
			return err
		}
	}
	return nil
}
