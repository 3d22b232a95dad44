package reports

import (
	"cmp"
	"fmt"
	"slices"

	"ftadvise/advisor"
	"ftadvise/calibrate/evidence"
)

// builder makes the sections of one report.
type builder struct {
	run  *evidence.Run
	rec  *advisor.Recommendation // nil without advice
	opts Options
	arms map[string]int // method to its colour, full being 0
}

// colours is how many the style sheet tells apart.
const colours = 6

func newBuilder(run *evidence.Run, rec *advisor.Recommendation, opts Options) *builder {
	b := &builder{run: run, rec: rec, opts: opts, arms: map[string]int{"full": 0}}
	for _, t := range run.Trials {
		b.colour(t.Method.String())
	}
	if rec != nil {
		for _, o := range rec.Options {
			b.colour(o.Name)
		}
	}
	return b
}

// colour gives an arm's colour number, the next free one to a new arm.
func (b *builder) colour(arm string) int {
	n, ok := b.arms[arm]
	if !ok {
		n = 1 + (len(b.arms)-1)%(colours-1)
		b.arms[arm] = n
	}
	return n
}

func (b *builder) class(arm string) string { return fmt.Sprintf("s%d", b.colour(arm)) }

func (b *builder) parts() []Part {
	return []Part{
		{"The decision", []Section{b.rule(), b.curves(), b.gap(), b.more()}},
		{"Money", []Section{b.costs(), b.tornado(), b.breakEven(), b.decisionMap()}},
		{"Time and memory", []Section{b.overhead(), b.memory()}},
		{"What was learnt", []Section{b.search(), b.domain(), b.spectrum(), b.forgetting()}},
		{"How far to trust it", []Section{b.warnings(), b.data(), b.assumptions(), b.trials()}},
		{"Doing it again", []Section{b.environment(), glossary()}},
	}
}

// newest gives the last trial of each arm among those that match, in arm order.
func (b *builder) newest(match func(evidence.TrialResult) bool) []evidence.TrialResult {
	last := map[string]evidence.TrialResult{}
	var order []string
	for _, t := range b.run.Trials {
		arm := t.Method.String()
		if !match(t) {
			continue
		}
		if _, seen := last[arm]; !seen {
			order = append(order, arm)
		}
		last[arm] = t
	}
	slices.SortStableFunc(order, func(a, c string) int { return cmp.Compare(b.colour(a), b.colour(c)) })
	out := make([]evidence.TrialResult, len(order))
	for i, arm := range order {
		out[i] = last[arm]
	}
	return out
}

// measured gives for each arm its best-timed trial: the probe, else whatever was
// timed or measured for memory.
func (b *builder) measured() []evidence.TrialResult {
	timed := func(t evidence.TrialResult) bool {
		return t.Outcome.StepSeconds.N > 0 || t.Outcome.PeakAllocatedBytes > 0
	}
	main := b.newest(func(t evidence.TrialResult) bool { return timed(t) && isMain(t.Stage) })
	have := map[string]bool{}
	for _, t := range main {
		have[t.Method.String()] = true
	}
	rest := b.newest(func(t evidence.TrialResult) bool { return timed(t) && !have[t.Method.String()] })
	out := append(main, rest...)
	slices.SortStableFunc(out, func(x, y evidence.TrialResult) int {
		return cmp.Compare(b.colour(x.Method.String()), b.colour(y.Method.String()))
	})
	return out
}

// isMain tells the stages whose curve is the arm's curve.
func isMain(s evidence.Stage) bool {
	return s == evidence.StageProbe || s == evidence.StageEssay || s == evidence.StageImport
}

func skipped(id, title, why string) Section { return Section{ID: id, Title: title, Skipped: why} }

const noAdvice = "No recommendation was given to this report, only measurements."
