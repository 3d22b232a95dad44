package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ftadvise/advisor"
)

func (b *builder) rule() Section {
	s := Section{ID: "rule", Title: "Rule and constraints", Lead: "Which rule of the policy decided, and what it read."}
	if b.rec == nil {
		return skipped(s.ID, s.Title, noAdvice)
	}
	v := b.rec.Verdict
	s.Blocks = append(s.Blocks, Block{Facts: []Fact{
		{Name: "Answer", Value: string(v.Answer)},
		{Name: "Policy", Value: v.Policy},
		{Name: "Rule", Value: v.Rule},
		{Name: "Because", Value: v.Because},
	}})
	if len(v.Violations) > 0 {
		t := Table{Caption: "Constraints that were not met", Columns: textColumns("Constraint", "Option", "What is wrong")}
		for _, x := range v.Violations {
			option := x.Option
			if option == "" {
				option = "every option"
			}
			t.Rows = append(t.Rows, []string{x.Constraint, option, x.Message})
		}
		s.Blocks = append(s.Blocks, Block{Table: &t})
	} else {
		s.Blocks = append(s.Blocks, Block{Notes: []string{"No hard constraint ruled an option out."}})
	}
	if len(v.Trace) > 0 {
		s.Blocks = append(s.Blocks, Block{Table: traceTable(v.Trace, v.Rule)})
	}
	return s
}

// traceTable lists the rules; of those that match the first decides.
func traceTable(trace []advisor.RuleTrace, deciding string) *Table {
	decided := false
	t := Table{Caption: "Every rule, in order", Columns: textColumns("Rule", "When", "Result", "Values read")}
	for _, r := range trace {
		result := "did not match"
		switch {
		case r.Error != "":
			result = "skipped, " + r.Error
		case r.Matched && r.Rule == deciding:
			result, decided = "matched: it decides", true
		case r.Matched && decided:
			result = "would match, after the one that decides"
		case r.Matched:
			result = "matched"
		}
		var values []string
		for _, name := range slices.Sorted(maps.Keys(r.Values)) {
			values = append(values, name+" = "+advisor.FormatFact(name, r.Values[name]))
		}
		t.Rows = append(t.Rows, []string{r.Rule, r.When, result, strings.Join(values, ", ")})
	}
	return &t
}

func (b *builder) more() Section {
	s := Section{ID: "next", Title: "What to do next", Lead: "Commands that follow from the advice, and what more evidence would be worth."}
	if b.rec == nil {
		return skipped(s.ID, s.Title, noAdvice)
	}
	if m := b.rec.More; m != nil {
		s.Blocks = append(s.Blocks, Block{Facts: []Fact{
			{Name: "More calibration", Value: plural(m.Steps, "step") + " an arm", Note: span(m.Seconds)},
			{Name: "Its cost", Value: usd(m.CostUSD)},
			{Name: "Its worth", Value: usd(m.WorthUSD), Note: "expected value of what it would tell"},
		}})
		if !slices.Contains(b.rec.Next, m.Command) {
			s.Blocks = append(s.Blocks, Block{Commands: clean(m.Command)})
		}
	}
	if len(b.rec.Next) > 0 {
		s.Blocks = append(s.Blocks, Block{Commands: b.rec.Next})
	}
	if len(s.Blocks) == 0 {
		return skipped(s.ID, s.Title, "The recommendation names no further step.")
	}
	return s
}

func clean(command string) []string {
	if command == "" {
		return nil
	}
	return []string{command}
}

func (b *builder) assumptions() Section {
	s := Section{ID: "assumptions", Title: "Assumptions", Lead: "Values that went into the advice, and who supplied each. Change those that are wrong for you."}
	if b.rec == nil || len(b.rec.Assumptions) == 0 {
		return skipped(s.ID, s.Title, "Every value was given, or no advice was computed.")
	}
	t := Table{Caption: "Assumptions", Columns: textColumns("What", "Value", "From")}
	for _, a := range b.rec.Assumptions {
		t.Rows = append(t.Rows, []string{a.Name, a.Value, a.Origin})
	}
	s.Blocks = []Block{{Table: &t}}
	if len(b.rec.Features) > 0 {
		f := Table{Caption: "Facts that the policy could read", Columns: columns("Fact", "Value"), Folded: true}
		for _, name := range slices.Sorted(maps.Keys(b.rec.Features)) {
			f.Rows = append(f.Rows, []string{name, advisor.FormatFact(name, b.rec.Features[name])})
		}
		s.Blocks = append(s.Blocks, Block{Table: &f})
	}
	return s
}

func (b *builder) warnings() Section {
	s := Section{ID: "warnings", Title: "Warnings", Lead: "Doubts about this run, each with what to do."}
	all := b.allWarnings()
	if len(all) == 0 {
		return skipped(s.ID, s.Title, "None.")
	}
	t := Table{Caption: "Warnings", Columns: textColumns("Code", "What it means")}
	for _, w := range all {
		t.Rows = append(t.Rows, []string{w[0], w[1]})
	}
	s.Blocks = []Block{{Table: &t}}
	return s
}

// allWarnings lists the run's and the advice's warnings, each once.
func (b *builder) allWarnings() [][2]string {
	var out [][2]string
	add := func(code, text string) {
		if w := [2]string{code, text}; !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	for _, w := range b.run.Warnings {
		add(w.Code, w.Text)
	}
	if b.rec != nil {
		for _, w := range b.rec.Warnings {
			add(w.Code, w.Text)
		}
	}
	return out
}

func (b *builder) trials() Section {
	s := Section{ID: "trials", Title: "All trials", Lead: "Every training run of this calibration and what became of it."}
	if len(b.run.Trials) == 0 {
		return skipped(s.ID, s.Title, "No trial was planned.")
	}
	t := Table{Caption: "Trials", Columns: append(textColumns("Trial", "Stage", "Arm"),
		append(columns("", "Learning rate", "Steps", "Held-out loss", "Time", "Micro-batch")[1:], textColumns("Outcome")...)...)}
	for _, x := range b.run.Trials[:min(len(b.run.Trials), trialsLimit)] {
		loss := none
		if p, ok := x.Outcome.LastEval(); ok {
			loss = nats(p.Loss)
		}
		outcome := string(x.Outcome.Status)
		if x.Outcome.Reason != "" {
			outcome += ": " + x.Outcome.Reason
		}
		t.Rows = append(t.Rows, []string{x.ID, string(x.Stage), x.Method.String(), rate(x.LearningRate), count(x.Outcome.Steps),
			loss, span(x.Outcome.Seconds), microBatch(x.Outcome.MicroBatch, x.Outcome.Accumulation), outcome})
	}
	s.Blocks = []Block{{Table: &t}}
	if n := len(b.run.Trials) - trialsLimit; n > 0 {
		s.Blocks = append(s.Blocks, Block{Notes: []string{fmt.Sprintf("%s not listed; the JSON report holds all.", plural(n, "more trial"))}})
	}
	return s
}

func microBatch(rows, accumulation int) string {
	if rows == 0 {
		return none
	}
	return fmt.Sprintf("%d × %d", rows, max(1, accumulation))
}
