package reports

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"ftadvise/advisor"
	"ftadvise/calibrate/evidence"
)

func (b *builder) data() Section {
	s := Section{ID: "data", Title: "The data", Lead: "What was read, and what in it could mislead the comparison."}
	d := b.run.Data
	if d.Records == 0 && d.Tokens == 0 && d.Name == "" {
		return skipped(s.ID, s.Title, "The run says nothing of its data.")
	}
	s.Blocks = append(s.Blocks, Block{Facts: []Fact{
		{Name: "Dataset", Value: cmp.Or(d.Name, none), Note: joined(slices.Compact([]string{d.Format, d.Shape})...)},
		{Name: "Records", Value: count(d.Records), Note: size(float64(d.Bytes))},
		{Name: "Tokens", Value: count(d.Tokens), Note: "one epoch of training"},
		{Name: "Packed rows", Value: fmt.Sprintf("%s training, %s held out", count(d.TrainRows), count(d.EvalRows)), Note: fmt.Sprintf("%d tokens a row", b.run.Setup.SeqLength)},
		{Name: "Held-out data", Value: heldOut(d)},
		{Name: "Held-out tokens", Value: count(d.EvalTokens), Note: "predicted ones"},
		{Name: "Carry loss", Value: percent(d.LabelledShare), Note: "share of the tokens"},
		{Name: "Truncated", Value: percent(d.TruncatedShare), Note: "share of the records"},
		{Name: "Exact duplicates", Value: percent(d.DuplicateShare)},
		{Name: "Near duplicates", Value: percent(d.NearDupShare)},
		{Name: "Leakage", Value: percent(d.LeakShare), Note: "held-out records that also train"},
		{Name: "Fingerprint", Value: short(d.Fingerprint)},
	}})
	if len(d.LabelCounts) > 0 {
		s.Blocks = append(s.Blocks, Block{Table: labelTable(d.LabelCounts)})
	}
	switch {
	case b.opts.Redact:
		s.Blocks = append(s.Blocks, Block{Notes: []string{"Samples are left out of this redacted report."}})
	case len(d.Samples) > 0:
		s.Blocks = append(s.Blocks, Block{Notes: []string{"Samples as the model sees them: the marked part carries the loss."}}, Block{Samples: d.Samples})
	}
	return s
}

// heldOut says where the held-out rows come from.
func heldOut(d evidence.Data) string {
	switch d.Validation {
	case "":
		return "a part of these"
	case d.Name:
		return "the data set's own validation or test split"
	}
	return d.Validation
}

// wallTime is the calibration's, and that of the rounds that did not decide.
func wallTime(r *evidence.Run) string {
	text := span(r.Seconds) + " of wall time"
	if r.EarlierSeconds > 0 {
		text += ", after " + span(r.EarlierSeconds) + " of shorter rounds"
	}
	return text
}

func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ", ")
}

// short is the beginning of a digest, enough to tell two apart.
func short(digest string) string {
	if digest == "" {
		return none
	}
	return digest[:min(len(digest), 16)]
}

func labelTable(counts map[string]int64) *Table {
	t := &Table{Caption: "Records by label", Columns: columns("Label", "Records", "Share")}
	var total int64
	for _, n := range counts {
		total += n
	}
	labels := slices.SortedFunc(maps.Keys(counts), func(x, y string) int {
		return cmp.Or(cmp.Compare(counts[y], counts[x]), cmp.Compare(x, y))
	})
	for _, l := range labels[:min(len(labels), rowLimit)] {
		t.Rows = append(t.Rows, []string{l, count(counts[l]), percent(float64(counts[l]) / float64(max(1, total)))})
	}
	return t
}

func (b *builder) environment() Section {
	r, e := b.run, b.run.Environment
	s := Section{ID: "environment", Title: "Environment and reproduction", Lead: "Where this was measured, and the command that measures it again."}
	s.Blocks = []Block{{Facts: []Fact{
		{Name: "Run", Value: r.ID, Note: day(r.CreatedAt)},
		{Name: "State", Value: cmp.Or(string(r.State), none), Note: wallTime(r)},
		{Name: "Base model", Value: cmp.Or(r.Setup.Model.Name, none), Note: b.modelNote()},
		{Name: "Model fingerprint", Value: short(r.Setup.Model.Fingerprint)},
		{Name: "Device", Value: cmp.Or(e.GPU, e.CPU, none), Note: deviceNote(e)},
		{Name: "Host", Value: cmp.Or(e.Host, none), Note: fmt.Sprintf("%s, %s of memory", plural(e.Cores, "core"), size(float64(e.MemoryBytes)))},
		{Name: "Engine", Value: cmp.Or(e.Engine, none), Note: joined("libtorch "+cmp.Or(e.Libtorch, none), e.OS)},
		{Name: "Precision", Value: cmp.Or(r.Setup.Precision, none)},
		{Name: "Batch", Value: fmt.Sprintf("%d rows × %d × %d tokens", r.Setup.MicroBatch, max(1, r.Setup.Accumulation), r.Setup.SeqLength), Note: count(r.Setup.StepTokens()) + " tokens a step"},
		{Name: "Horizon", Value: plural(r.Setup.HorizonSteps, "step")},
		{Name: "Budget", Value: span(r.Setup.BudgetSeconds)},
		{Name: "Seed", Value: fmt.Sprint(r.Setup.Seed)},
		{Name: "Optimizer", Value: optimizer(r.Setup.Optimizer)},
		{Name: "ftadvise", Value: cmp.Or(r.Version, none)},
	}}, {Commands: []string{b.reproduction()}}}
	if p := r.Plan; p != nil && len(p.LeftOut) > 0 {
		facts := &s.Blocks[0].Facts
		*facts = append(*facts, Fact{Name: "Left out", Value: methodList(p.LeftOut), Note: "for want of time; a larger budget tries it beside the others"})
	}
	return s
}

func (b *builder) modelNote() string {
	m := b.run.Setup.Model
	note := fmt.Sprintf("%s, %s parameters, %s", m.Architecture, params(float64(m.Params)), plural(m.Layers, "layer"))
	if m.RandomWeights {
		note += ", random weights"
	}
	return note
}

func deviceNote(e evidence.Environment) string {
	if e.GPU == "" {
		return plural(max(e.Threads, 1), "thread")
	}
	return joined(size(float64(e.GPUMemoryBytes)), "driver "+cmp.Or(e.Driver, none), "compute capability "+cmp.Or(e.ComputeCapacity, none))
}

func optimizer(o evidence.Optimizer) string {
	return fmt.Sprintf("AdamW, betas %s and %s, weight decay %s, clipping at %s", number(o.Beta1), number(o.Beta2), number(o.WeightDecay), number(o.ClipNorm))
}

func methodList(methods []evidence.Method) string {
	var out []string
	for _, m := range methods {
		out = append(out, m.String())
	}
	return strings.Join(out, ", ")
}

// reproduction is the command that would run this again, quoted for a POSIX shell.
func (b *builder) reproduction() string {
	r := b.run
	args := append([]string{"ftadvise", "recommend"}, advisor.Arguments(r)...)
	if r.Setup.Preset != "" {
		args[1] = "calibrate"
		args = append(args, "--preset", r.Setup.Preset)
	}
	if r.Setup.Device != "" {
		args = append(args, "--device", r.Setup.Device)
	}
	if r.Setup.BudgetSeconds > 0 {
		args = append(args, "--budget", strconv.FormatFloat(r.Setup.BudgetSeconds, 'f', -1, 64)+"s")
	}
	if b.rec != nil {
		name, _, _ := strings.Cut(b.rec.Verdict.Policy, "@")
		args = append(args, "--policy", name)
	}
	return advisor.ShellWords(args...)
}

func glossary() Section {
	return Section{ID: "glossary", Title: "Glossary", Lead: "The words of this report.", Blocks: []Block{{Facts: []Fact{
		{Name: "Arm", Value: "One method with its settings: full fine-tuning, or LoRA with a rank."},
		{Name: "Full fine-tuning", Value: "Every weight of the base model is trained."},
		{Name: "LoRA", Value: "The base model is frozen; a product of two small matrices of a given rank is added to chosen weights and trained."},
		{Name: "Gap", Value: "LoRA's held-out loss less full's: above zero full is the better."},
		{Name: "Nat", Value: "Unit of loss: minus the natural logarithm of the probability given to the right token. 0.01 nats are about 1% of probability."},
		{Name: "Held-out loss", Value: "Mean loss on rows that are never trained on, the same for every arm."},
		{Name: "Horizon", Value: "The length of the training run that the advice is about, in optimizer steps."},
		{Name: "Forecast", Value: "The loss expected at the horizon, with the interval that is to hold the truth in 80 of 100 cases."},
		{Name: "Expected regret", Value: "What choosing an option is expected to cost more than the option that turns out best."},
		{Name: "Break-even", Value: "The worth of a nat at which both methods cost the same."},
		{Name: "Narrowness", Value: "0 for data as broad as general text, 1 for one record repeated."},
		{Name: "Peak allocated", Value: "The most memory that tensors held at once; on a CPU the growth of the process."},
		{Name: "Trial", Value: "One short training run of one arm at one learning rate with one seed."},
	}}}}
}
