package reports

import (
	"fmt"
	"strings"

	"ftadvise/calibrate/evidence"
	"ftadvise/reports/chart"
)

func (b *builder) overhead() Section {
	s := Section{ID: "overhead", Title: "Overhead of full fine-tuning", Lead: "Parameters, time and memory as measured on this device, and full's figures over LoRA's."}
	arms := b.measured()
	if len(arms) == 0 {
		return skipped(s.ID, s.Title, "No step was timed.")
	}
	table := overheadTable(arms)
	s.Blocks = []Block{{Table: &table}, {Notes: []string{"Step time is an optimizer step without the warm-up steps; its range holds the middle 80% of the steps."}}}
	return s
}

// measure is one row of the table of overheads.
type measure struct {
	name  string
	print func(evidence.TrialResult) string
	value func(evidence.Outcome) float64 // nil where a ratio would say nothing
}

func measures() []measure {
	return []measure{
		{"Total parameters", func(t evidence.TrialResult) string { return count(t.Outcome.TotalParams) }, nil},
		{"Trainable parameters", func(t evidence.TrialResult) string { return trainable(t.Outcome) }, func(o evidence.Outcome) float64 { return float64(o.TrainableParams) }},
		{"Step time, median", func(t evidence.TrialResult) string { return span(zeroIsNone(t.Outcome.StepSeconds.Median)) }, func(o evidence.Outcome) float64 { return o.StepSeconds.Median }},
		{"Step time, 80% of steps", func(t evidence.TrialResult) string {
			return span(zeroIsNone(t.Outcome.StepSeconds.P10)) + " to " + span(zeroIsNone(t.Outcome.StepSeconds.P90))
		}, nil},
		{"Tokens a second", func(t evidence.TrialResult) string { return number(t.Outcome.TokensPerSecond) }, func(o evidence.Outcome) float64 { return o.TokensPerSecond }},
		{"Peak allocated memory", func(t evidence.TrialResult) string { return size(zeroIsNone(float64(t.Outcome.PeakAllocatedBytes))) }, func(o evidence.Outcome) float64 { return float64(o.PeakAllocatedBytes) }},
		{"Peak reserved memory", func(t evidence.TrialResult) string { return size(zeroIsNone(float64(t.Outcome.PeakReservedBytes))) }, func(o evidence.Outcome) float64 { return float64(o.PeakReservedBytes) }},
		{"Micro-batch × accumulation", func(t evidence.TrialResult) string { return microBatch(t.Outcome.MicroBatch, t.Outcome.Accumulation) }, nil},
		{"Steps", func(t evidence.TrialResult) string { return count(t.Outcome.Steps) }, nil},
	}
}

// overheadTable has a column for each arm and, where full was measured, one for each
// ratio of full over LoRA.
func overheadTable(arms []evidence.TrialResult) Table {
	names := []string{"Measured"}
	var full *evidence.TrialResult
	for i, a := range arms {
		names = append(names, a.Method.String())
		if a.Method.Kind == evidence.Full {
			full = &arms[i]
		}
	}
	if full != nil {
		for _, a := range arms {
			if a.Method.Kind == evidence.LoRA {
				names = append(names, "full / "+a.Method.String())
			}
		}
	}
	t := Table{Caption: "Measured on this device", Columns: columns(names...)}
	for _, m := range measures() {
		row := []string{m.name}
		for _, a := range arms {
			row = append(row, m.print(a))
		}
		t.Rows = append(t.Rows, append(row, ratios(m, full, arms)...))
	}
	return t
}

func ratios(m measure, full *evidence.TrialResult, arms []evidence.TrialResult) []string {
	var out []string
	for _, a := range arms {
		if full == nil || a.Method.Kind != evidence.LoRA {
			continue
		}
		cell := ""
		if m.value != nil {
			cell = times(m.value(full.Outcome) / m.value(a.Outcome))
		}
		out = append(out, cell)
	}
	return out
}

// zeroIsNone turns what was not measured into what prints as a dash.
func zeroIsNone(v float64) float64 {
	if v == 0 {
		return -1
	}
	return v
}

func trainable(o evidence.Outcome) string {
	if o.TotalParams == 0 {
		return none
	}
	return fmt.Sprintf("%s (%s)", count(o.TrainableParams), percent(float64(o.TrainableParams)/float64(o.TotalParams)))
}

func (b *builder) memory() Section {
	s := Section{ID: "memory", Title: "Memory", Lead: "Peak memory of each arm against the device. The total is measured; the parts are derived from parameter counts and precision, the rest being activations and buffers."}
	plot := chart.Bars{X: chart.Axis{Title: "bytes allocated at the peak", Format: sizeTick}}
	t := Table{Caption: "Peak allocated memory and its parts", Columns: append(columns("Arm", "Measured peak", "Weights", "Gradients", "Optimizer states", "Activations and rest"), Column{Name: "Outcome"})}
	for _, a := range b.memoryTrials() {
		p := partsOf(a, b.run.Setup.Precision)
		plot.Bars = append(plot.Bars, p.bar(a))
		t.Rows = append(t.Rows, []string{a.Method.String(), size(zeroIsNone(p.peak)), size(p.weights), size(p.gradients), size(p.states), size(p.rest), string(a.Outcome.Status)})
	}
	if len(plot.Bars) == 0 {
		return skipped(s.ID, s.Title, "No trial measured its memory.")
	}
	note := b.limit(&plot)
	plot.X.Unit = binaryUnit(largest(plot))
	fig := figure("memory-chart", "Peak memory by part", "Stacked bars of peak memory by part, with the device's memory as a line.", plot, t)
	fig.Note = note
	s.Blocks = []Block{{Figure: fig}}
	return s
}

// limit draws the device's memory as a line, or says how large it is where the bars
// would be too short to be seen beside it.
func (b *builder) limit(plot *chart.Bars) string {
	env := b.run.Environment
	what, bytes := "card", float64(env.GPUMemoryBytes)
	if bytes == 0 {
		what, bytes = "machine", float64(env.MemoryBytes)
	}
	if most := largest(*plot); most > 0 && bytes > 20*most {
		return fmt.Sprintf("The %s has %s, %s the highest peak.", what, size(bytes), times(bytes/most))
	}
	if bytes > 0 {
		plot.Limit, plot.LimitLabel = bytes, what+": "+size(bytes)
	}
	return ""
}

// memoryTrials gives each arm's measured trial, and arms that only ran out of memory.
func (b *builder) memoryTrials() []evidence.TrialResult {
	out := b.measured()
	have := map[string]bool{}
	for _, t := range out {
		have[t.Method.String()] = true
	}
	return append(out, b.newest(func(t evidence.TrialResult) bool {
		full := t.Outcome.Status == evidence.DoesNotFit || t.Outcome.Status == evidence.OutOfMemory
		return full && !have[t.Method.String()]
	})...)
}

// parts splits a peak.
type parts struct{ peak, weights, gradients, states, rest float64 }

// partsOf reckons what training must hold: the weights in the precision of the forward
// pass, a gradient and AdamW's two moments for each trainable parameter, and with
// bf16 a fp32 master copy of each.
func partsOf(t evidence.TrialResult, precision string) parts {
	o := t.Outcome
	total, trained := float64(o.TotalParams), float64(o.TrainableParams)
	p := parts{peak: float64(o.PeakAllocatedBytes)}
	switch precision {
	case "bf16":
		p.weights, p.gradients, p.states = 2*total+4*trained, 2*trained, 8*trained
	case "bf16-pure":
		p.weights, p.gradients, p.states = 2*total, 2*trained, 4*trained
	default:
		p.weights, p.gradients, p.states = 4*total, 4*trained, 8*trained
	}
	p.rest = max(0, p.peak-p.weights-p.gradients-p.states)
	return p
}

func (p parts) bar(t evidence.TrialResult) chart.Bar {
	note := size(p.peak)
	if p.peak == 0 {
		note = string(t.Outcome.Status)
		if p.weights > 0 {
			note += ", at least " + size(p.weights+p.gradients+p.states)
		}
	}
	return chart.Bar{Label: t.Method.String(), Note: note, Parts: []chart.Part{
		{Value: p.weights, Class: "p0", Label: "weights"}, {Value: p.gradients, Class: "p1", Label: "gradients"},
		{Value: p.states, Class: "p2", Label: "optimizer states"}, {Value: p.rest, Class: "p3", Label: "activations and rest"}}}
}

// largest is the longest bar or the limit, in bytes.
func largest(plot chart.Bars) float64 {
	most := plot.Limit
	for _, bar := range plot.Bars {
		sum := 0.0
		for _, p := range bar.Parts {
			sum += p.Value
		}
		most = max(most, sum)
	}
	return most
}

// binaryUnit is the unit in which a size prints.
func binaryUnit(bytes float64) float64 {
	unit := 1.0
	for bytes >= 1024*unit {
		unit *= 1024
	}
	return unit
}

func sizeTick(v float64) string {
	if v == 0 {
		return "0"
	}
	return strings.Replace(strings.Replace(size(v), ".00 ", " ", 1), ".0 ", " ", 1)
}
