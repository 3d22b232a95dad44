package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"ftadvise/calibrate/decision"
	"ftadvise/calibrate/evidence"
)

func describe(out io.Writer, s decision.Suite) {
	families := map[string]bool{}
	bases := map[string]bool{}
	for _, c := range s.Cases {
		families[c.Family], bases[c.Base()] = true, true
	}
	fmt.Fprintf(out, "%d data sets of %d families (%s) on %d bases, %d steps.\n", len(s.Cases), len(families),
		strings.Join(slices.Sorted(maps.Keys(families)), ", "), len(bases), suiteHorizon)
}

func title(out io.Writer, p decision.Probe, played []decision.Played) {
	whole := "for everything together"
	if p.EachArm {
		whole = "for each arm"
	}
	var cost float64
	var steps []int
	for _, c := range played {
		cost += c.Run.Seconds / float64(len(played)*p.Horizon)
		for _, t := range c.Run.Trials {
			if t.Stage == evidence.StageProbe {
				steps = append(steps, t.Outcome.Steps)
			}
		}
	}
	slices.Sort(steps)
	fmt.Fprintf(out, "\n### %.0f %% of one full run %s\n\nfull and LoRA of ranks %v; spent on average %.1f %% of a full run, trunks of %d steps (median).\n\n",
		100*p.Share, whole, p.Ranks, 100*cost, steps[len(steps)/2])
}

func verdicts(out io.Writer, s decision.Suite, rows []decision.Verdicts) {
	fmt.Fprintln(out, "| decider | right method | regret, nats | Brier | right at confidence .8 | on share of calls | calls | ties |")
	fmt.Fprintln(out, "| --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, v := range rows {
		score := v.Score(s.TieNats)
		fmt.Fprintf(out, "| %s | %v | %.4f | %v | %.3f | %.3f | %d | %d |\n", score.Decider, score.Accuracy, score.Regret.Value, score.Brier,
			score.Sure.Value, score.SureShare.Value, score.Calls, score.Ties)
	}
}

// byMargin tells how often each decider was right at each margin.
func byMargin(out io.Writer, s decision.Suite, rows []decision.Verdicts) {
	fmt.Fprintf(out, "\n| right, where full has to gain |")
	for _, m := range margins() {
		fmt.Fprintf(out, " %g |", m)
	}
	fmt.Fprintf(out, "\n| --- |%s\n", strings.Repeat(" --- |", len(margins())))
	for _, v := range rows {
		fmt.Fprintf(out, "| %s |", v.Decider)
		for _, m := range margins() {
			fmt.Fprintf(out, " %.3f |", v.At(m).Score(s.TieNats).Accuracy.Value)
		}
		fmt.Fprintln(out)
	}
}

func failures(out io.Writer, s decision.DecisionScore) {
	fmt.Fprintf(out, "\nWrong (%d):\n\n", len(s.Failures))
	for _, f := range s.Failures {
		fmt.Fprintln(out, "-", f)
	}
}

func reliability(out io.Writer, bins []decision.Bin) {
	fmt.Fprintf(out, "\n| stated confidence | calls | mean stated | right |\n| --- | --- | --- | --- |\n")
	for _, b := range bins {
		if b.Calls > 0 {
			fmt.Fprintf(out, "| %.1f to %.1f | %d | %.2f | %.2f |\n", b.From, b.To, b.Calls, b.Stated, b.Came)
		}
	}
}

// answers tells how often a method would be named, by what is asked of it.
func answers(out io.Writer, of []decision.Answered) {
	fmt.Fprintf(out, "\n| full has to gain | calls | confidence .8 | right | and no lead fades, enough seen: a method is named | right | leads that fade | right |\n| --- |%s\n", strings.Repeat(" --- |", 7))
	sum := decision.Answered{}
	for _, a := range of {
		answered(out, fmt.Sprint(a.Margin), a)
		sum.Calls, sum.Sure, sum.SureRight = sum.Calls+a.Calls, sum.Sure+a.Sure, sum.SureRight+a.SureRight
		sum.Named, sum.NamedRight = sum.Named+a.Named, sum.NamedRight+a.NamedRight
		sum.Fading, sum.FadingRight = sum.Fading+a.Fading, sum.FadingRight+a.FadingRight
	}
	answered(out, "all", sum)
}

func answered(out io.Writer, name string, a decision.Answered) {
	of := func(n, all int) string { return fmt.Sprintf("%d of %d", n, all) }
	fmt.Fprintf(out, "| %s | %d | %d | %s | %d | %s | %d | %s |\n", name, a.Calls, a.Sure, of(a.SureRight, a.Sure),
		a.Named, of(a.NamedRight, a.Named), a.Fading, of(a.FadingRight, a.Fading))
}

func coverages(out io.Writer, of []decision.Coverage) {
	fmt.Fprintf(out, "\n| 80 %% interval of | intervals | covers | median width, nats | by family |\n| --- | --- | --- | --- | --- |\n")
	for _, c := range of {
		var each []string
		for _, f := range slices.Sorted(maps.Keys(c.ByFamily)) {
			each = append(each, fmt.Sprintf("%s %.2f", f, c.ByFamily[f]))
		}
		fmt.Fprintf(out, "| %s | %d | %v | %.3f | %s |\n", c.Of, c.N, c.Inside, c.Width, strings.Join(each, ", "))
	}
}

func rates(out io.Writer, scores []decision.RateScore) {
	fmt.Fprintf(out, "\n| learning rate by | arms | within twice the best | costs, nats | median | arms where it costs a tie or more |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, r := range scores {
		fmt.Fprintf(out, "| %s | %d | %v | %v | %.3f | %d |\n", r.Chooser, r.Arms, r.Near, r.Cost, r.Median, r.Dear)
	}
	var each []string
	for _, f := range slices.Sorted(maps.Keys(scores[0].ByFamily)) {
		each = append(each, fmt.Sprintf("%s %.3f", f, scores[0].ByFamily[f]))
	}
	fmt.Fprintf(out, "\nWhat the advised rates cost, by family: %s.\n", strings.Join(each, ", "))
}

func associations(out io.Writer, of []decision.Association) {
	fmt.Fprintf(out, "\n| known before training | data sets | rank correlation with LoRA's loss less full's, 99 %% | |\n| --- | --- | --- | --- |\n")
	for _, a := range of {
		word := "descriptive"
		if a.Predictive() {
			word = "predictive"
		}
		fmt.Fprintf(out, "| %s | %d | %v | %s |\n", a.Feature, a.Data, a.Spearman, word)
	}
}
