package policy

import (
	"fmt"
	"math"
	"strings"

	"ftadvise/advisor"
)

// Decide answers from the facts alone. Evaluation cannot fail: what goes wrong in a
// condition before the answer makes the verdict undecided and says where.
func (p *Policy) Decide(f advisor.Features) (advisor.Verdict, error) {
	return p.decide(f, false)
}

// Terse implements advisor.Terse: the same answer without trace and sentences.
func (p *Policy) Terse(f advisor.Features) (advisor.Verdict, error) {
	return p.decide(f, true)
}

func (p *Policy) decide(f advisor.Features, terse bool) (advisor.Verdict, error) {
	d := decision{policy: p, facts: facts{features: f, truths: p.truths}, terse: terse}
	d.verdict.Policy = p.ID()
	d.physical()
	d.constrain()
	d.ask()
	if d.verdict.Answer == "" {
		d.undecided("", "no rule matched")
	}
	return d.verdict, nil
}

// decision is one asking of a policy.
type decision struct {
	policy     *Policy
	facts      facts
	verdict    advisor.Verdict
	terse      bool   // answer only
	full, lora string // why each is out; "" while it is in
	cause      string // the constraint or rule that ruled a method out
}

func (d *decision) fact(name string) (float64, bool) {
	v, ok := d.facts.features[name]
	return v, ok
}

// physical takes out what did not fit or was not tried, whatever the policy says.
func (d *decision) physical() {
	d.require("full_fits", forbidFull, "full fine-tuning does not fit into memory")
	d.require("full_tried", forbidFull, "full fine-tuning gave no held-out loss")
	d.require("lora_fits", forbidLoRA, "LoRA does not fit into memory")
	d.require("lora_tried", forbidLoRA, "LoRA gave no held-out loss")
}

// require rules a method out where a fact is known to be false.
func (d *decision) require(name string, t target, why string) {
	if v, ok := d.fact(name); ok && v == 0 && d.reason(t) == "" {
		d.out(t, constraintPrefix+strings.ReplaceAll(name, "_", "-"), why)
	}
}

func (d *decision) reason(t target) string {
	if t == forbidFull {
		return d.full
	}
	return d.lora
}

// out rules a method out and keeps why.
func (d *decision) out(t target, by, why string) {
	name := strings.TrimPrefix(by, constraintPrefix)
	option := string(t)
	if t == forbidBoth {
		option = ""
	}
	d.verdict.Violations = append(d.verdict.Violations, advisor.Violation{Constraint: name, Option: option, Message: why})
	if t.hits(forbidFull) && d.full == "" {
		d.full, d.cause = why, by
	}
	if t.hits(forbidLoRA) && d.lora == "" {
		d.lora, d.cause = why, by
	}
}

func (d *decision) constrain() {
	for _, c := range d.policy.limits {
		if d.holds(constraintPrefix+c.name, c.when, true) {
			d.out(c.forbid, constraintPrefix+c.name, d.say(c.message))
		}
	}
}

// say fills a sentence.
func (d *decision) say(s sentence) string {
	if d.terse {
		return s.source
	}
	return s.fill(d.facts.features)
}

// holds evaluates a condition and writes the trace. An error ends the asking where the
// condition counts.
func (d *decision) holds(name string, e *expression, counts bool) bool {
	matched, absent, err := e.evaluate(d.facts)
	if err != nil && counts {
		d.undecided(name, fmt.Sprintf("%s could not be evaluated: %v", name, err))
	}
	if d.terse {
		return matched
	}
	t := advisor.RuleTrace{Rule: name, When: e.text, Matched: matched, Values: e.values(d.facts.features)}
	switch {
	case len(absent) > 0:
		t.Error = "not known: " + strings.Join(absent, ", ")
	case err != nil:
		t.Error = err.Error()
	}
	d.verdict.Trace = append(d.verdict.Trace, t)
	return matched
}

// undecided ends the asking; the first reason stays.
func (d *decision) undecided(rule, why string) {
	if d.verdict.Answer != "" {
		return
	}
	d.verdict.Answer, d.verdict.Rule, d.verdict.Because = advisor.Undecided, rule, why
	d.verdict.Confidence, d.verdict.Needed = 0, 0
}

// ask goes through the rules. All that forbid are heard before the first that prefers
// answers, so that their order among the others does not matter. Rules behind that one
// are evaluated for the trace only.
func (d *decision) ask() {
	var first *rule
	for i := range d.policy.rules {
		r := &d.policy.rules[i]
		counts := first == nil || r.prefer == ""
		if !counts && d.terse {
			continue
		}
		switch matched := d.holds(r.name, r.when, counts); {
		case !matched:
		case r.prefer == "":
			d.out(r.forbid, r.name, d.say(r.because))
		case first == nil:
			first = r
		}
	}
	switch {
	case d.verdict.Answer != "":
	case d.full != "" || d.lora != "":
		d.remaining(first)
	case first != nil:
		d.answer(first)
	}
}

// remaining answers where a method is out: the other one, with a higher rank if the
// first rule that matched wants that.
func (d *decision) remaining(first *rule) {
	v := &d.verdict
	switch {
	case d.full != "" && d.lora != "":
		d.undecided(d.cause, "the constraints leave no method: "+d.full+"; "+d.lora)
	case d.full != "":
		v.Answer, v.Rule, v.Because, v.Confidence = advisor.UseLoRA, d.cause, d.full, 1
		if first != nil && first.prefer == preferRank {
			v.Answer, v.Rule, v.Because = advisor.RaiseRank, first.name, d.full+"; "+d.say(first.because)
		}
	default:
		v.Answer, v.Rule, v.Because, v.Confidence = advisor.UseFull, d.cause, d.lora, 1
	}
}

// answer turns the rule that fired into a verdict.
func (d *decision) answer(r *rule) {
	v := &d.verdict
	v.Rule, v.Because, v.Needed = r.name, d.say(r.because), d.policy.needed(*r)
	switch r.prefer {
	case preferEither:
		v.Confidence, _ = d.fact("p_tie")
		v.Answer, v.Needed = advisor.Either, 0
	case preferMore:
		v.Answer, v.Needed = advisor.BudgetTooSmall, 0
		if mean, sd, ok := d.bill(r); ok {
			v.Confidence = advisor.ProbabilityPositive(math.Abs(mean), sd)
		}
	case preferRank:
		d.settle(r, advisor.RaiseRank)
	case preferFull:
		d.settle(r, advisor.UseFull)
	case preferLoRA:
		d.settle(r, advisor.UseLoRA)
	default:
		d.compare(r)
	}
}

// compare picks the method that is lower in what the rule prefers.
func (d *decision) compare(r *rule) {
	mean, ok := d.lower(r)
	switch {
	case !ok:
		d.undecided(r.name, fmt.Sprintf("rule %s prefers the %s, which the facts do not tell", r.name, r.prefer))
	case mean > 0:
		d.settle(r, advisor.UseFull)
	default:
		d.settle(r, advisor.UseLoRA)
	}
}

// lower is LoRA's figure less full's: positive means that full is the lower.
func (d *decision) lower(r *rule) (float64, bool) {
	switch r.prefer {
	case preferBetter:
		return d.fact("gap_nats")
	case preferFaster:
		return d.less("train_hours")
	case preferSmaller:
		return d.less("peak_bytes")
	default:
		mean, _, ok := d.bill(r)
		return mean, ok
	}
}

func (d *decision) less(name string) (float64, bool) {
	full, a := d.fact("full_" + name)
	lora, b := d.fact("lora_" + name)
	return lora - full, a && b
}

// bill is the weighted difference of the bills, LoRA less full, with its spread. A
// line that is not known for both is left out; ok is false where none is known.
func (d *decision) bill(r *rule) (mean, sd float64, ok bool) {
	for _, name := range advisor.CostNames() {
		w := weight(d.policy.weights, name)
		if v, set := r.weights[name]; set {
			w = v
		}
		full, a := d.fact("full_" + name + "_usd")
		lora, b := d.fact("lora_" + name + "_usd")
		if !a || !b {
			continue
		}
		s, _ := d.fact(name + "_diff_sd_usd")
		mean, sd, ok = mean+w*(lora-full), math.Hypot(sd, w*s), true
	}
	return mean, sd, ok
}

// settle names a method if it is sure enough, or if choosing it wrongly costs next to
// nothing.
func (d *decision) settle(r *rule, answer advisor.Answer) {
	v := &d.verdict
	v.Answer = answer
	p, ok := d.sureness(r, answer)
	v.Confidence = p
	if v.Needed == 0 || (ok && p >= v.Needed) || d.cheapToErr(r, answer) {
		return
	}
	name := "full"
	if answer != advisor.UseFull {
		name = "LoRA"
	}
	v.Answer = advisor.BudgetTooSmall
	v.Because = fmt.Sprintf("%s is likelier right (%.0f%%), but this policy asks for %.0f%%", name, 100*p, 100*v.Needed)
	if p < 0.5 {
		v.Because = fmt.Sprintf("%s is right with a probability of %.0f%% only, and this policy asks for %.0f%%", name, 100*p, 100*v.Needed)
	}
}

// sureness is the probability that the answer is right by the rule's own measure.
func (d *decision) sureness(r *rule, answer advisor.Answer) (float64, bool) {
	var full float64
	var ok bool
	switch r.prefer {
	case preferFaster, preferSmaller:
		return 1, true
	case preferBetter:
		full, ok = d.fact("p_full_better")
	default:
		var mean, sd float64
		mean, sd, ok = d.bill(r)
		full = advisor.ProbabilityPositive(mean, sd)
	}
	if !ok {
		return 0, false
	}
	if answer == advisor.UseFull {
		return full, true
	}
	return 1 - full, true
}

// cheapToErr reports whether the expected regret of the leader is within what the
// policy accepts, as a share of its bill.
func (d *decision) cheapToErr(r *rule, answer advisor.Answer) bool {
	mean, sd, ok := d.bill(r)
	if !ok || d.policy.regret == 0 || r.prefer == preferBetter || (mean > 0) != (answer == advisor.UseFull) {
		return false
	}
	name := "lora_total_usd"
	if answer == advisor.UseFull {
		name = "full_total_usd"
	}
	total, ok := d.fact(name)
	return ok && advisor.LeaderRegret(mean, sd) <= d.policy.regret*math.Abs(total)
}
