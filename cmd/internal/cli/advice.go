package cli

import (
	"fmt"
	"slices"
	"strings"

	"ftadvise/advisor"
)

// printRecommendation prints advice: the sections that answer, and between them what
// was measured.
func (a *app) printRecommendation(rec *advisor.Recommendation, output string, explain bool) error {
	if output == "json" {
		return a.writeJSON(rec)
	}
	for i, section := range rec.Explain() {
		if err := a.writeSection(section, output); err != nil {
			return err
		}
		if i == 0 {
			if err := a.printMeasured(rec, output); err != nil {
				return err
			}
		}
	}
	if !explain {
		return nil
	}
	return a.printTrace(rec.Verdict.Trace, output)
}

// writeSection prints a title and its lines, which a terminal breaks between words. A
// command stays on its line, to be pasted.
func (a *app) writeSection(s advisor.Section, output string) error {
	title, bullet, width := s.Title, "  ", a.proseWidth()
	if s.Title == advisor.NextTitle {
		width = 0
	}
	if output == "markdown" {
		title, bullet, width = "### "+s.Title+"\n", "- ", 0
	}
	var b strings.Builder
	fmt.Fprintln(&b, title)
	for _, line := range s.Lines {
		fmt.Fprintln(&b, wrap(printable(line), bullet, "    ", width))
	}
	_, err := fmt.Fprintln(a.out, b.String())
	return err
}

// printMeasured prints the options side by side and full's overhead over LoRA's.
func (a *app) printMeasured(rec *advisor.Recommendation, output string) error {
	if len(rec.Options) == 0 {
		return nil
	}
	options, width := optionTable(rec.Options), 0
	if output != "markdown" {
		width, _ = a.terminalSize(a.out)
		options = options.within(width)
	}
	if err := a.writeTable(options, output); err != nil {
		return err
	}
	if basis := rec.MoneyBasis(); basis != "" {
		if _, err := fmt.Fprintf(a.out, "\n%s\n", wrap(basis, "", "", min(width, widestProse))); err != nil {
			return err
		}
	}
	if r := rec.Ratios; r != nil {
		_, err := fmt.Fprintf(a.out, "\nfull over LoRA: step time %.2f x, peak memory %.2f x, trainable parameters %.1f x\n", r.StepTime, r.PeakBytes, r.Trainable)
		if err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(a.out)
	return err
}

// optionTable has a column for the best checkpoint where an option is judged there.
func optionTable(options []advisor.Option) table {
	early := slices.ContainsFunc(options, advisor.Option.StopsEarly)
	t := table{head: []string{"option", "rate", "loss at horizon", "80 % interval"}}
	if early {
		t.head = append(t.head, "best loss")
	}
	classes := slices.ContainsFunc(options, func(o advisor.Option) bool { return o.Accuracy != nil })
	if classes {
		t.head = append(t.head, "accuracy so far")
	}
	t.head = append(t.head, "step time", "peak memory", "trainable", "training", "total cost")
	for _, o := range options {
		row := []string{o.Name, measuredOr(o.LearningRate > 0, fmt.Sprintf("%.2g", o.LearningRate)), "-", "-"}
		if o.Loss != nil {
			row[2], row[3] = nats(o.Loss.Mean), lossInterval(*o.Loss)
		}
		if early {
			row = append(row, bestLoss(o))
		}
		if classes {
			row = append(row, accuracySoFar(o))
		}
		t.add(append(row, measuredOr(o.StepSeconds > 0, seconds(o.StepSeconds)), gibibytes(o.PeakBytes), measuredOr(o.Trainable > 0, count(o.Trainable)),
			measuredOr(o.StepSeconds > 0, seconds(o.TrainHours*3600)), measuredOr(len(o.Costs) > 0, dollars(o.Total.Mean)))...)
	}
	return t
}

// accuracySoFar is what was measured: nothing forecasts an accuracy.
func accuracySoFar(o advisor.Option) string {
	if o.Accuracy == nil {
		return "-"
	}
	return percentage(*o.Accuracy)
}

// bestLoss is the loss at the best checkpoint and its step, which is where to stop.
func bestLoss(o advisor.Option) string {
	if !o.StopsEarly() {
		return "-"
	}
	return fmt.Sprintf("%s at step %d", nats(o.BestLoss.Mean), o.StopStep)
}

// measuredOr is a text, or a dash where there was nothing to measure.
func measuredOr(measured bool, text string) string {
	if measured {
		return text
	}
	return "-"
}

// printTrace prints every rule with what it read.
func (a *app) printTrace(trace []advisor.RuleTrace, output string) error {
	t := table{head: []string{"rule", "matched", "when", "facts"}}
	for _, r := range trace {
		matched := "no"
		if r.Matched {
			matched = "yes"
		}
		if r.Error != "" {
			matched = r.Error
		}
		t.add(r.Rule, matched, r.When, factList(r.Values))
	}
	return a.writeTable(t, output)
}

// factList prints facts by name, in order.
func factList(values map[string]float64) string {
	var out []string
	for _, name := range sortedKeys(values) {
		out = append(out, fmt.Sprintf("%s = %.4g", name, values[name]))
	}
	return strings.Join(out, ", ")
}

// dollars prints an amount with the digits that matter, thousands apart.
func dollars(v float64) string {
	switch {
	case v >= 1e9:
		return fmt.Sprintf("$%.2f M", v/1e6)
	case v >= 999.5:
		return "$" + advisor.Thousands(v)
	case v >= 100:
		return fmt.Sprintf("$%.0f", v)
	case v >= 1 || v == 0:
		return fmt.Sprintf("$%.2f", v)
	case v > 0 && v < 1e-6:
		return "$0"
	}
	return fmt.Sprintf("$%.2g", v)
}
