package policy

import (
	"fmt"
	"regexp"
	"strings"

	"ftadvise/advisor/strictyaml"
)

// Confidence and acceptable regret of a policy that states none.
const (
	defaultConfidence = 0.8
	defaultRegret     = 0.0
)

// build compiles one document into a policy of its own rules.
func (r reader) build(d document) (*Policy, error) {
	p := &Policy{Name: d.Name, Description: strings.TrimSpace(d.Description), Chain: []string{r.file},
		confidence: defaultConfidence, regret: defaultRegret, own: map[string]bool{}, truths: r.compiler.truths}
	if !plainName(d.Name) {
		return nil, r.fail(1, 1, fmt.Sprintf("name %q", d.Name), "a policy needs a name of small letters, digits and hyphens: name: my-policy")
	}
	var err error
	if d.Confidence != nil {
		if p.confidence, err = r.share(d.Confidence, "confidence"); err != nil {
			return nil, err
		}
	}
	if d.AcceptableRegret != nil {
		if p.regret, err = r.share(d.AcceptableRegret, "acceptable_regret"); err != nil {
			return nil, err
		}
	}
	if p.weights, err = r.weights(d.Weights); err != nil {
		return nil, err
	}
	if err := r.constraints(p, d.Constraints); err != nil {
		return nil, err
	}
	return p, r.rules(p, d.Rules)
}

func (r reader) constraints(p *Policy, docs []constraintDocument) error {
	for i, d := range docs {
		if err := r.named(p, constraintPrefix, d.Name, d.When, fmt.Sprintf("constraint %d", i+1)); err != nil {
			return err
		}
		forbid, err := r.target(d.Forbid, d.Name)
		if err != nil {
			return err
		}
		when, err := r.required(d.When, d.Name, "when")
		if err != nil {
			return err
		}
		if strings.TrimSpace(d.Message.value) == "" {
			return r.at(d.Name, fmt.Sprintf("constraint %s has no message", d.Name.value), "message: says to people what is violated")
		}
		message, err := r.sentence(d.Message)
		if err != nil {
			return err
		}
		p.limits = append(p.limits, constraint{d.Name.value, forbid, when, message})
	}
	return nil
}

func (r reader) rules(p *Policy, docs []ruleDocument) error {
	for i, d := range docs {
		if err := r.named(p, "", d.Name, d.When, fmt.Sprintf("rule %d", i+1)); err != nil {
			return err
		}
		if err := r.reachable(docs, i); err != nil {
			return err
		}
		compiled, err := r.rule(d)
		if err != nil {
			return err
		}
		p.rules = append(p.rules, compiled)
	}
	return nil
}

func (r reader) rule(d ruleDocument) (rule, error) {
	out := rule{name: d.Name.value, prefer: preference(d.Prefer.value)}
	var err error
	switch {
	case (d.Prefer.value == "") == (d.Forbid.value == ""):
		return out, r.at(d.Name, fmt.Sprintf("rule %s needs either prefer or forbid", d.Name.value), "prefer: "+strings.Join(preferences(), ", ")+"; forbid: full, lora, both")
	case d.Forbid.value != "":
		if out.forbid, err = r.target(d.Forbid, d.Name); err != nil {
			return out, err
		}
	case !contains(preferences(), d.Prefer.value):
		what := fmt.Sprintf("prefer: %s", d.Prefer.value)
		if near := strictyaml.Nearest(d.Prefer.value, preferences()); near != "" {
			what += ": did you mean " + near + "?"
		}
		return out, r.at(d.Prefer, what, "prefer one of "+strings.Join(preferences(), ", "))
	}
	if out.when, err = r.required(d.When, d.Name, "when"); err != nil {
		return out, err
	}
	if strings.TrimSpace(d.Because.value) == "" {
		return out, r.at(d.Name, fmt.Sprintf("rule %s has no because", d.Name.value), "because: says to people why")
	}
	if out.because, err = r.sentence(d.Because); err != nil {
		return out, err
	}
	if d.Confidence != nil {
		v, err := r.share(d.Confidence, "confidence")
		if err != nil {
			return out, err
		}
		out.confidence = &v
	}
	out.weights, err = r.weights(d.Weights)
	return out, err
}

// named checks a constraint's or rule's name and that it is given once.
func (r reader) named(p *Policy, prefix string, name, when text, which string) error {
	if !plainName(name.value) {
		place := name
		if place.line == 0 {
			place = when
		}
		return r.at(place, fmt.Sprintf("%s: name %q", which, name.value), "give each a name of small letters, digits and hyphens")
	}
	if p.own[prefix+name.value] {
		return r.at(name, fmt.Sprintf("%q is the name of an earlier one", name.value), "names are what tests and traces point at: make them differ")
	}
	p.own[prefix+name.value] = true
	return nil
}

// reachable refuses a rule behind one that always answers.
func (r reader) reachable(docs []ruleDocument, i int) error {
	for _, d := range docs[:i] {
		if strings.TrimSpace(d.When.value) == "true" && d.Prefer.value != "" {
			return r.at(docs[i].Name, fmt.Sprintf("rule %s is never asked: rule %s before it always answers", docs[i].Name.value, d.Name.value),
				"put the rule whose condition is true last")
		}
	}
	return nil
}

func (r reader) required(t, name text, key string) (*expression, error) {
	if t.line == 0 {
		return nil, r.at(name, fmt.Sprintf("%s has no %s", name.value, key), key+": true where it always holds")
	}
	return r.condition(t)
}

func (r reader) target(t, name text) (target, error) {
	switch v := target(t.value); v {
	case forbidFull, forbidLoRA, forbidBoth:
		return v, nil
	case "":
		return "", r.at(name, fmt.Sprintf("%s does not say what it forbids", name.value), "forbid: full, lora or both")
	}
	return "", r.at(t, "forbid: "+t.value, "forbid: full, lora or both")
}

var (
	namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
	factPattern = regexp.MustCompile(`\{([^{}]*)\}`)
)

func plainName(s string) bool { return namePattern.MatchString(s) }

// sentence splits a text at its {fact} marks.
func (r reader) sentence(t text) (sentence, error) {
	source := strings.Join(strings.Fields(t.value), " ")
	s := sentence{source: source}
	end := 0
	for _, m := range factPattern.FindAllStringSubmatchIndex(source, -1) {
		name := source[m[2]:m[3]]
		if !r.compiler.has(name) {
			what, fix := r.compiler.unknown(name)
			return s, r.at(t, what, fix)
		}
		s.parts = append(s.parts, source[end:m[0]], name)
		end = m[1]
	}
	s.parts = append(s.parts, source[end:])
	return s, nil
}
