package advisor

import (
	"fmt"
	"math"

	"ftadvise/calibrate/evidence"
)

// The limits beyond which a run's numbers decide nothing.
const (
	maxLeakShare  = 0.01 // of held-out records that also train
	minEvalTokens = 100  // predicted held-out tokens
	fewEvalTokens = 2000 // from here down, a warning
)

// guard gives the verdict where no policy may be asked: the evidence is not fit to
// decide from, or there is nothing to decide. Its rule names start with "guard:".
func (a *account) guard() (Verdict, bool) {
	for _, check := range []func() (Verdict, bool){a.guardModel, a.guardData, a.guardNumbers, a.guardFit, a.guardArms} {
		if v, stop := check(); stop {
			return v, true
		}
	}
	return Verdict{}, false
}

func refuse(answer Answer, rule, because string, args ...any) (Verdict, bool) {
	return Verdict{Answer: answer, Rule: "guard:" + rule, Because: fmt.Sprintf(because, args...)}, true
}

func (a *account) guardModel() (Verdict, bool) {
	run := a.f.run
	if run.Setup.Model.RandomWeights {
		return refuse(Unfit, "random-weights", "random weights measure time and memory; what they learn says nothing about a trained model")
	}
	base, uniform, general := baseLoss(a.f), uniformLoss(run), run.Domain.BaseGeneralLoss
	if base != nil && uniform != nil && general != nil && *base > *uniform && *general > *uniform {
		return refuse(Unfit, "worse-than-uniform",
			"the base model's loss is %s on your data and %s on general text, worse than the %s of a model that knows nothing: its weights are damaged or do not belong to its tokenizer",
			nats(*base), nats(*general), nats(*uniform))
	}
	return Verdict{}, false
}

func (a *account) guardData() (Verdict, bool) {
	d := a.f.run.Data
	switch {
	case d.LeakShare > maxLeakShare || math.IsNaN(d.LeakShare):
		return refuse(Unfit, "leak", "%s of the held-out records are also trained on, so held-out loss measures memory: remove the duplicates between the two", percent(d.LeakShare))
	case d.EvalTokens > 0 && d.EvalTokens < minEvalTokens:
		return refuse(Unfit, "few-held-out-tokens", "%d held-out tokens are too few to tell two methods apart: at least %d are needed", d.EvalTokens, minEvalTokens)
	}
	return Verdict{}, false
}

// guardNumbers refuses losses that are not numbers wherever the decision would read them.
func (a *account) guardNumbers() (Verdict, bool) {
	for _, g := range a.f.run.Gaps {
		if !usableDistribution(g.AtHorizon) || !usableDistribution(g.AtBest) {
			return refuse(Unfit, "not-a-number", "the forecast of %s against full is not a number that can be reckoned with", g.LoRAMethod)
		}
	}
	for _, f := range a.f.run.Forecasts {
		if !usableForecast(f) {
			return refuse(Unfit, "not-a-number", "the forecast of %s is not a number that can be reckoned with", f.Method)
		}
	}
	for _, t := range a.f.run.Trials {
		if p, ok := t.Outcome.LastEval(); ok && t.Outcome.Status == evidence.Completed && !plausible(p.Loss) {
			return refuse(Unfit, "not-a-number", "trial %s ended with a held-out loss that is not a number that can be reckoned with", t.ID)
		}
	}
	return Verdict{}, false
}

func (a *account) guardFit() (Verdict, bool) {
	if a.f.full < 0 || !a.noLoRAFits() || a.fits(a.f.full) {
		return Verdict{}, false
	}
	return refuse(NothingFits, "does-not-fit", "neither method fits into %s at the smallest setting: %s", bytesText(a.market.limit), a.smallestNeed())
}

// smallestNeed says what would fit: LoRA on weights quantised to four bits, about
// 0.55 bytes a parameter with their scales, or a card of the price table.
func (a *account) smallestNeed() string {
	quantised := 0.55 * a.size.params * 1.2
	if quantised > 0 && quantised <= a.market.limit {
		return fmt.Sprintf("LoRA on weights quantised to four bits needs about %s and may, but was not measured", bytesText(quantised))
	}
	return fmt.Sprintf("even LoRA on weights quantised to four bits needs about %s", bytesText(quantised))
}

func (a *account) guardArms() (Verdict, bool) {
	switch {
	case a.f.run.Setup.Preset == "essay":
		return refuse(BudgetTooSmall, "thirty-steps", "thirty steps measure overhead; they do not decide quality, since LoRA may plateau later")
	case !a.anyLoRA() && !a.f.hasFull():
		return refuse(BudgetTooSmall, "nothing-measured", "no trial gave a held-out loss%s", a.whyNot())
	case a.f.full < 0:
		return refuse(BudgetTooSmall, "full-not-tried", "full fine-tuning was not tried, so there is nothing to weigh LoRA against")
	case len(a.f.arms) == 1:
		return refuse(BudgetTooSmall, "lora-not-tried", "LoRA was not tried, so there is nothing to weigh full fine-tuning against")
	case !a.f.hasFull() && a.fits(a.f.full):
		return refuse(BudgetTooSmall, "full-not-measured", "full fine-tuning gave no held-out loss (%s)%s", a.f.arms[a.f.full].reason, remedy(a.f.arms[a.f.full].status))
	case !a.anyLoRA() && !a.noLoRAFits():
		return refuse(BudgetTooSmall, "lora-not-measured", "LoRA gave no held-out loss (%s)%s", a.f.arms[1].reason, remedy(a.f.arms[1].status))
	case a.f.hasFull() && a.lora >= 0 && !a.f.contrasts[a.lora].ok:
		return refuse(BudgetTooSmall, "no-common-step", "full and LoRA were never evaluated at the same step")
	}
	return Verdict{}, false
}

// remedy says what may help a method of which no trial could be used. That it diverged
// at the rates that were tried does not make the other one better.
func remedy(s evidence.Status) string {
	if s == evidence.Diverged {
		return ": try lower learning rates"
	}
	return ""
}

func (a *account) whyNot() string {
	for _, m := range a.f.arms {
		if m.reason != "" {
			return fmt.Sprintf(" (%s: %s)", m.method, m.reason)
		}
	}
	return ""
}

// baseLoss is the held-out loss before training, from the domain facts or from the
// first evaluation of any trial.
func baseLoss(f findings) *float64 {
	if f.run.Domain.BaseLoss != nil {
		return f.run.Domain.BaseLoss
	}
	for _, a := range f.arms {
		if finite(a.base) {
			return &a.base
		}
	}
	return nil
}

func uniformLoss(run *evidence.Run) *float64 {
	if run.Domain.UniformLoss != nil {
		return run.Domain.UniformLoss
	}
	if run.Setup.Model.Vocab > 1 {
		u := math.Log(float64(run.Setup.Model.Vocab))
		return &u
	}
	return nil
}

// doubts are warnings about evidence that is still decided from.
func (a *account) doubts() []evidence.Warning {
	var out []evidence.Warning
	add := func(code, text string, args ...any) {
		out = append(out, evidence.Warning{Code: code, Text: fmt.Sprintf(text, args...)})
	}
	out = append(out, a.size.warning(float64(a.f.run.Setup.Model.Params))...)
	d := a.f.run.Data
	if d.LeakShare > 0 && d.LeakShare <= maxLeakShare {
		add("small-leak", "%s of the held-out records also train: remove them to be safe", percent(d.LeakShare))
	}
	if d.EvalTokens >= minEvalTokens && d.EvalTokens < fewEvalTokens {
		add("few-eval-tokens", "only %d held-out tokens: small differences may be chance; hold out more rows", d.EvalTokens)
	}
	if base, u := baseLoss(a.f), uniformLoss(a.f.run); base != nil && u != nil && *base > *u {
		add("base-worse-than-uniform", "the base model does worse on your data (%s) than one that knows nothing (%s): check that the tokenizer belongs to it, or that your data are of its kind", nats(*base), nats(*u))
	}
	if a.f.run.State == evidence.Stopped || a.f.run.State == evidence.Running {
		add("not-finished", "the calibration is not finished: ftadvise calibrate --resume %s goes on", a.f.run.ID)
	}
	if a.compares() && a.gap().source == "last" {
		add("no-forecast", "no forecast to the horizon: the last held-out losses stand in, with a wide interval (%s)", nats(a.gap().sd))
	}
	if lead, step, ok := a.lastGap(); ok && a.compares() && a.turns(lead) {
		out = append(out, a.lostLead(lead, step))
	}
	if a.s.AtRiskUSD > 0 && a.compares() && math.Abs(a.gap().mean) > a.s.AtRiskNats {
		add("beyond-at-risk", "the gap of %s is more than at_risk_nats, so the amount at risk is counted more than once: raise at_risk_nats", nats(a.gap().mean))
	}
	return out
}

// lostLead explains why the arm that led at a step is not the one that ends ahead.
func (a *account) lostLead(lead float64, step int) evidence.Warning {
	ahead, by, behind := leader(lead), nats(math.Abs(lead)), nats(math.Abs(a.gap().mean))
	other := a.f.arms[a.f.full]
	if ahead == "full" {
		other = a.f.arms[a.lora]
	}
	if other.stop > 0 && other.stop < step {
		return evidence.Warning{Code: "past-best", Text: fmt.Sprintf(
			"at step %d %s was ahead by %s, but %s had passed its best checkpoint, at step %d, by then: each at its best, %s is %s behind",
			step, ahead, by, other.method, other.stop, ahead, behind)}
	}
	return evidence.Warning{Code: "early-lead", Text: fmt.Sprintf(
		"at step %d %s was ahead by %s, but it is expected to end %s behind: early speed is not final quality", step, ahead, by, behind)}
}

// turns reports whether the arm that leads now is likely to end behind, by more than
// a tie.
func (a *account) turns(lead float64) bool {
	g := a.gap()
	return lead*g.mean < 0 && math.Abs(g.mean) > a.s.TieNats && ProbabilityPositive(math.Abs(g.mean), g.sd) >= 0.7
}

// lastGap is LoRA's last held-out loss less full's at the last step that both evaluated.
func (a *account) lastGap() (gap float64, step int, ok bool) {
	if a.lora < 0 || a.f.full < 0 {
		return 0, 0, false
	}
	full, lora, step, ok := common(a.f.run, a.f.arms[a.f.full], a.f.arms[a.lora])
	return lora - full, step, ok && step > 0
}

func leader(gap float64) string {
	if gap < 0 {
		return "LoRA"
	}
	return "full"
}
