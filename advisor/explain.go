package advisor

import (
	"fmt"
	"sort"
	"strings"
)

func sortOptions(options []Option) {
	rank := func(o Option) int {
		switch {
		case o.Chosen:
			return 0
		case len(o.Costs) > 0 && o.Dominated == "":
			return 1
		case len(o.Costs) > 0:
			return 2
		}
		return 3
	}
	sort.SliceStable(options, func(i, j int) bool {
		if x, y := rank(options[i]), rank(options[j]); x != y {
			return x < y
		}
		return options[i].Total.Mean < options[j].Total.Mean
	})
}

// headline is the one sentence that answers.
func (a *account) headline(rec *Recommendation) string {
	v := rec.Verdict
	switch v.Answer {
	case UseFull:
		return "Use full fine-tuning" + a.because(rec)
	case UseLoRA:
		where := ""
		if a.retargeted(v) {
			where = " on all linear layers"
		}
		return fmt.Sprintf("Use LoRA%s: %s%s", where, v.Method, a.because(rec))
	case RaiseRank:
		return fmt.Sprintf("Use LoRA with its rank raised to %d%s", v.Method.Rank, a.because(rec))
	case Either:
		return "Either method will do: the difference is below what you said matters"
	case BudgetTooSmall:
		return "Cannot tell yet" + a.needs(rec)
	case Unfit:
		return "No recommendation: " + v.Because
	case NothingFits:
		return "Nothing fits: " + v.Because
	default:
		return "Undecided: " + v.Because
	}
}

// because adds probability and money to a headline.
func (a *account) because(rec *Recommendation) string {
	if !a.compares() {
		return a.onlyOne(rec)
	}
	text := ""
	if rec.Verdict.Confidence < 1 || len(rec.Verdict.Violations) == 0 { // what a constraint leaves is not weighed
		text = fmt.Sprintf(" (%s sure)", chance(rec.Verdict.Confidence))
	}
	full, lora := a.bills[a.f.full].total, a.bills[a.lora].total
	mine, other, name := full, lora, a.f.arms[a.lora].method.String()
	if rec.Verdict.Answer != UseFull {
		mine, other, name = lora, full, "full"
	}
	text += fmt.Sprintf(": %s in all over %g months, against %s for %s", usd(mine), a.s.Months, usd(other), name)
	if a.worth.assumed {
		text += fmt.Sprintf(", at an assumed %s a nat", usd(a.worth.usdPerNat))
	}
	return text
}

// onlyOne explains a headline where the other method is out.
func (a *account) onlyOne(rec *Recommendation) string {
	if rec.Verdict.Answer == UseFull {
		return ": LoRA is out"
	}
	if a.f.full < 0 || a.fits(a.f.full) {
		return ": full is out"
	}
	lora := a.f.arms[max(a.lora, 0)]
	need := a.bills[a.f.full].peak
	if need <= a.market.limit {
		need = a.size.fullPeakFrom(lora, a.f.run.Setup.Precision)
	}
	return fmt.Sprintf(": full does not fit into %s (it needs about %s)", bytesText(a.market.limit), bytesText(need))
}

func (a *account) needs(rec *Recommendation) string {
	m := rec.More
	switch {
	case m == nil && rec.PFullBetter == nil:
		return ": " + rec.Verdict.Because
	case m == nil:
		return fmt.Sprintf(": full is the better with a probability of %s, and calibration has reached its end", chance(*rec.PFullBetter))
	case m.Pays:
		return fmt.Sprintf(": %d more steps an arm (a calibration of about %s) cost %s and are worth %s: run them", m.Steps, seconds(m.Seconds), usd(m.CostUSD), usd(m.WorthUSD))
	}
	return fmt.Sprintf(": full is the better with a probability of %s, and %d more steps an arm cost %s, more than the %s they are worth",
		chance(*rec.PFullBetter), m.Steps, usd(m.CostUSD), usd(m.WorthUSD))
}

// next lists the commands that come next, the most useful first.
func (a *account) next(rec *Recommendation) []string {
	var out []string
	if unfit := rec.Verdict.Answer == Unfit; rec.More != nil && !unfit && (rec.More.Pays || !rec.Verdict.Answer.Decides()) {
		out = append(out, rec.More.Command)
	}
	if rec.Verdict.Answer == BudgetTooSmall && rec.More == nil {
		out = append(out, a.calibrateCommand(2*max(60, a.f.run.Setup.BudgetSeconds)))
	}
	out = append(out, "ftadvise report "+a.f.run.ID)
	if rec.Verdict.Answer.Decides() {
		out = append(out, fmt.Sprintf("ftadvise outcome %s --final-loss LOSS", a.f.run.ID))
	}
	return out
}

// NextTitle heads the section whose lines are commands.
const NextTitle = "Next"

// Section is one part of an explanation.
type Section struct {
	Title string
	Lines []string
}

// Explain tells a recommendation in the order in which a reviewer asks: the answer,
// why, what would flip it, what is assumed, what is uncertain, what to do next.
func (r *Recommendation) Explain() []Section {
	all := []Section{
		{"Verdict", []string{r.Headline}},
		{"Because", r.becauseLines()},
		{"Why that rank", r.Rank},
		{"Why those target modules", r.Targets},
		{"When to stop", r.stopLines()},
		{"What would flip it", flipLines(r.Flips)},
		{"Assumed", assumptionLines(r.Assumptions)},
		{"Uncertain", r.uncertainLines()},
		{NextTitle, r.Next},
	}
	out := all[:0]
	for _, s := range all {
		if len(s.Lines) > 0 {
			out = append(out, s)
		}
	}
	return out
}

func (r *Recommendation) becauseLines() []string {
	lines := []string{fmt.Sprintf("%s (rule %s)", r.Verdict.Because, r.Verdict.Rule)}
	if r.Verdict.Policy != "" {
		lines[0] = fmt.Sprintf("%s (policy %s, rule %s)", r.Verdict.Because, r.Verdict.Policy, r.Verdict.Rule)
	}
	for _, v := range r.Verdict.Violations {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s ruled out: %s", orEvery(v.Option), v.Message)))
	}
	for _, o := range r.Options {
		if o.Dominated != "" {
			lines = append(lines, fmt.Sprintf("%s fell: %s", o.Name, o.Dominated))
		}
	}
	return lines
}

// stopLines say for each option when its training is to end, by the same rule; they are
// silent where all are trained to the horizon.
func (r *Recommendation) stopLines() []string {
	var lines []string
	early := false
	for _, o := range r.Options {
		switch {
		case o.StopsEarly():
			early = true
			lines = append(lines, o.stopLine())
		case o.Loss != nil:
			lines = append(lines, fmt.Sprintf("%s: train to the horizon, where %s is expected; no earlier checkpoint is clearly better", o.Name, nats(o.Loss.Mean)))
		}
	}
	if !early {
		return nil
	}
	return lines
}

func (o Option) stopLine() string {
	text := fmt.Sprintf("%s: stop at about step %d, its best checkpoint, where it is judged: %s there, %s at the horizon", o.Name, o.StopStep, nats(o.BestLoss.Mean), nats(o.Loss.Mean))
	if o.Stop != nil && o.Stop.Turned {
		text += "; its held-out loss has turned up already"
	}
	return text
}

func orEvery(option string) string {
	if option == "" {
		return "every option"
	}
	return option
}

func flipLines(flips []Flip) []string {
	var out []string
	for _, f := range flips {
		out = append(out, f.Text)
	}
	return out
}

func assumptionLines(as []Assumption) []string {
	var out []string
	for _, a := range as {
		out = append(out, fmt.Sprintf("%s = %s (%s)", a.Name, a.Value, a.Origin))
	}
	return out
}

func (r *Recommendation) uncertainLines() []string {
	var out []string
	if r.Gap != nil {
		out = append(out, fmt.Sprintf("LoRA's loss less full's, each at its best checkpoint: %s, 80%% between %s and %s; full is the better with a probability of %s, the cheaper with %s",
			nats(r.Gap.Mean), nats(r.Gap.P10), nats(r.Gap.P90), chance(*r.PFullBetter), chance(*r.PFullCheaper)))
	}
	if m := r.More; m != nil && r.Verdict.Answer.Decides() {
		pays := "not worth it"
		if m.Pays {
			pays = "worth it"
		}
		out = append(out, fmt.Sprintf("%d more steps an arm cost %s and are worth %s: %s", m.Steps, usd(m.CostUSD), usd(m.WorthUSD), pays))
	}
	for _, w := range r.Warnings {
		out = append(out, w.Text)
	}
	return out
}
