package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"ftadvise/advisor"
	"ftadvise/calibrate/evidence"
	"ftadvise/reports/chart"
)

// answerTitle is the verdict in a few words.
func (b *builder) answerTitle() string {
	if b.rec == nil {
		return "Measured, without advice"
	}
	m := b.rec.Verdict.Method
	switch b.rec.Verdict.Answer {
	case advisor.UseFull:
		return "Full fine-tuning"
	case advisor.UseLoRA:
		return "LoRA" + rankOf(m)
	case advisor.RaiseRank:
		return "LoRA with a higher rank" + rankOf(m)
	case advisor.Either:
		return "Either will do"
	case advisor.BudgetTooSmall:
		return "This budget cannot tell"
	case advisor.Unfit:
		return "No recommendation"
	case advisor.NothingFits:
		return "Neither method fits"
	case advisor.Undecided:
		return "Undecided"
	default:
		return string(b.rec.Verdict.Answer)
	}
}

func rankOf(m evidence.Method) string {
	if m.Rank == 0 {
		return ""
	}
	return fmt.Sprintf(", rank %d", m.Rank)
}

func (b *builder) tone() string {
	if b.rec == nil {
		return "open"
	}
	switch b.rec.Verdict.Answer {
	case advisor.UseFull:
		return "full"
	case advisor.UseLoRA, advisor.RaiseRank:
		return "lora"
	case advisor.Unfit, advisor.NothingFits:
		return "stop"
	default:
		return "open"
	}
}

func (b *builder) front() Front {
	f := Front{Tone: b.tone(), Answer: b.answerTitle(), Trust: b.trust(), Caution: b.caution()}
	if b.rec == nil {
		f.Headline = "The trials below were run; ask for a recommendation to learn what follows from them."
		f.NoMoney = noAdvice
		return f
	}
	f.Headline = b.rec.Headline
	f.Chances = b.chances()
	f.Money, f.NoMoney = b.money()
	f.Basis = b.rec.MoneyBasis()
	if d, between, ok := b.between(); ok {
		f.Between = fmt.Sprintf("%s: %s, the doubt that both share left out.", between, usdRange(d))
	}
	f.Flips, f.NoFlips = b.flips(), b.noFlips()
	f.Flips = f.Flips[:min(len(f.Flips), frontFlips)]
	return f
}

// noFlips says why no flip is named.
func (b *builder) noFlips() string {
	switch a := b.rec.Verdict.Answer; {
	case a == advisor.NothingFits || a == advisor.Unfit:
		return "No choice was possible, so nothing can flip it; the rule below says what is missing."
	case a == advisor.BudgetTooSmall && b.rec.More != nil:
		m := b.rec.More
		return fmt.Sprintf("More evidence: %s an arm, about %s and %s, worth %s.", plural(m.Steps, "more step"), span(m.Seconds), usd(m.CostUSD), usd(m.WorthUSD))
	case a == advisor.BudgetTooSmall:
		return "More evidence than this budget bought."
	}
	return "Nothing that was measured or stated flips the answer within its range."
}

// chances are the numbers printed large.
func (b *builder) chances() []Fact {
	var out []Fact
	named := b.rec.Verdict.Method.Kind != ""
	if named {
		out = append(out, Fact{Name: "that this choice has the lower total cost", Value: chance(b.rec.Confidence)})
	}
	if p := b.rec.PFullBetter; p != nil {
		out = append(out, Fact{Name: "that full fine-tuning reaches the lower loss", Value: chance(*p)})
	}
	if named {
		for _, o := range b.rec.Options {
			if o.Method == b.rec.Verdict.Method {
				out = append(out, Fact{Name: "expected regret of this choice", Value: cents(o.RegretUSD)})
			}
		}
	}
	return out
}

// cents prints an amount that is read at a glance: what is less than a cent is just that.
func cents(v float64) string {
	if v > 0 && v < 0.01 {
		return "< $0.01"
	}
	return usd(v)
}

// money is the total of each option with its interval.
func (b *builder) money() (*Figure, string) {
	if len(b.rec.Options) == 0 {
		return nil, "No option could be priced: " + lower(b.rec.Verdict.Because) + "."
	}
	plot := chart.Intervals{X: chart.Axis{Title: fmt.Sprintf("total over %s, US dollars", months(b.rec.Stakes.Months)), Format: usdTick, Zero: true}}
	table := Table{Caption: "Total cost of each option", Columns: append(columns("Option", "Expected total", "80% from", "80% to", "Expected regret"), Column{Name: "Remark"})}
	for _, o := range b.rec.Options {
		if len(o.Costs) == 0 {
			table.Rows = append(table.Rows, []string{o.Name, none, none, none, none, cmp.Or(o.Dominated, "not priced")})
			continue
		}
		plot.Rows = append(plot.Rows, chart.Interval{Label: o.Name, Class: b.class(o.Name),
			Low: o.Total.P10, Mid: o.Total.Mean, High: o.Total.P90, Note: usdRange(o.Total)})
		table.Rows = append(table.Rows, []string{o.Name, usd(o.Total.Mean), usd(o.Total.P10), usd(o.Total.P90), usd(o.RegretUSD), o.Dominated})
	}
	if len(plot.Rows) == 0 {
		return nil, "No option could be priced: " + lower(b.rec.Verdict.Because) + "."
	}
	note := "Dot: expected total. Bar: 80% interval."
	if d, between, ok := b.between(); ok {
		plot.Rows = append(plot.Rows, chart.Interval{Label: "difference", Class: "s3", Low: d.P10, Mid: d.Mean, High: d.P90, Note: usdRange(d)})
		note += " Difference: " + between + ", the doubt that both share left out."
	}
	fig := figure("money-chart", "Money per option", "Expected total cost of each option with its 80% interval, and the difference of the two methods.", plot, table)
	fig.Note = note
	return fig, ""
}

// between is the difference of the two methods' totals, and which is taken from which.
// It is surer than either total: most of the doubt is about the loss at the horizon,
// which both share.
func (b *builder) between() (d evidence.Distribution, between string, ok bool) {
	lora, full := -1, -1
	for i, o := range b.rec.Options {
		switch {
		case len(o.Costs) == 0:
		case o.Method.Kind == evidence.Full:
			full = i
		case lora < 0: // the chosen one, else the cheapest, stands first
			lora = i
		}
	}
	at := slices.IndexFunc(b.rec.Tornado, func(s advisor.Swing) bool { return s.Fact == "gap_nats" })
	if lora < 0 || full < 0 || at < 0 {
		return d, "", false
	}
	s := b.rec.Tornado[at]
	d.Mean = b.rec.Options[lora].Total.Mean - b.rec.Options[full].Total.Mean
	d.P10, d.P90 = min(s.LowUSD, s.HighUSD), max(s.LowUSD, s.HighUSD)
	return d, b.rec.Options[lora].Name + " less " + b.rec.Options[full].Name, true
}

func months(n float64) string {
	if n == 1 {
		return "1 month"
	}
	return number(n) + " months"
}

// flips says what would change the answer, in sentences.
func (b *builder) flips() []string {
	var out []string
	for _, f := range b.rec.Flips {
		text := f.Text
		if text == "" {
			text = fmt.Sprintf("%s: the answer becomes %s at %s %s (now %s).", f.Fact, f.Answer, number(f.At), f.Unit, number(f.Now))
		}
		out = append(out, upper(text))
	}
	return out
}

// frontFlips is how many flips the first screen shows; all stand under sensitivity.
const frontFlips = 5

// upper makes the first letter large, to begin a sentence.
func upper(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[n:]
}

// lower makes the first letter small, to go on in a sentence.
func lower(s string) string {
	s = strings.TrimSuffix(strings.TrimSpace(s), ".")
	if s == "" {
		return "no reason was given"
	}
	first, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(first)) + s[n:]
}

func usdTick(v float64) string {
	switch a := max(v, -v); {
	case a >= 1e9:
		return usd(v/1e9) + "B"
	case a >= 1e6:
		return usd(v/1e6) + "M"
	case a >= 1e4:
		return usd(v/1e3) + "k"
	}
	return usd(v)
}
