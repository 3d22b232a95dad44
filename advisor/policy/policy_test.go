package policy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"ftadvise/advisor"
	"ftadvise/advisor/policy"
)

// files makes a file system of name and text pairs.
func files(pairs ...string) fstest.MapFS {
	fs := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		fs[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return fs
}

// rule writes a policy of one rule with the condition.
func rule(when string) string {
	return fmt.Sprintf("name: p\nrules:\n  - name: only\n    when: %s\n    prefer: lora\n    confidence: 0\n    because: it says so\n", when)
}

func load(t testing.TB, text string) *policy.Policy {
	t.Helper()
	p, err := policy.LoadFS(files("p.yaml", text), "p.yaml", files())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func decide(t testing.TB, p *policy.Policy, f advisor.Features) advisor.Verdict {
	t.Helper()
	v, err := p.Decide(f)
	if err != nil {
		t.Fatal(err)
	}
	terse, err := p.Terse(f)
	if err != nil || terse.Answer != v.Answer || terse.Rule != v.Rule || terse.Confidence != v.Confidence {
		t.Errorf("tersely %s by %s, else %s by %s (%v)", terse.Answer, terse.Rule, v.Answer, v.Rule, err)
	}
	return v
}

// matches evaluates one condition through a whole policy.
func matches(t *testing.T, when string, f advisor.Features) (bool, string) {
	t.Helper()
	v := decide(t, load(t, rule("'"+strings.ReplaceAll(when, "'", "''")+"'")), f)
	return v.Trace[0].Matched, v.Trace[0].Error
}

func TestConditions(t *testing.T) {
	f := advisor.Features{"gap_nats": 0.5, "tie_nats": 0.01, "tasks": 3, "quality_is_hard": 1, "speed_is_hard": 0, "p_tie": 0.25}
	for when, want := range map[string]bool{
		"gap_nats * 2 <= 1":                               true,
		"gap_nats * 2 < 1":                                false,
		"2 * gap_nats + 1 == 2":                           true,
		"tasks > 2 && gap_nats >= 0.5":                    true,
		"tasks == 3":                                      true,
		"tasks != 3":                                      false,
		"-tasks < -2":                                     true,
		"5u > 4 && 1e2 == 100":                            true,
		"quality_is_hard":                                 true,
		"!speed_is_hard":                                  true,
		"quality_is_hard == true":                         true,
		"abs(-tasks) == 3 && min(1, 2) == 1":              true,
		"max(tasks, 7) == 7":                              true,
		"(tasks > 5 ? 1 : 2) == 2":                        true,
		"tasks / 2 == 1.5":                                true,
		"known(gap_nats)":                                 true,
		"known(budget_usd)":                               false,
		"!known(budget_usd) || budget_usd > 1":            true,
		"known(budget_usd) && budget_usd > 1":             false,
		"budget_usd > 1 || tasks == 3":                    true,
		"tasks == 4 && budget_usd > 1":                    false,
		"speed_is_hard || tasks - 3 == 0 && p_tie == 1/4": true,
		"known(more_pays) ? more_pays : tasks > 1":        true,
	} {
		if got, problem := matches(t, when, f); got != want || problem != "" {
			t.Errorf("%s is %v (%s), want %v", when, got, problem, want)
		}
	}
}

// A rule that needs an absent fact does not match and says which.
func TestAbsentFacts(t *testing.T) {
	got, problem := matches(t, "gap_nats > 0 && budget_usd < months", advisor.Features{"gap_nats": 1})
	if got || problem != "not known: budget_usd, months" {
		t.Errorf("%v, %q", got, problem)
	}
}

func TestDivisionByZeroIsUndecided(t *testing.T) {
	v := decide(t, load(t, rule("gap_nats / tie_nats > 1")), advisor.Features{"gap_nats": 1, "tie_nats": 0})
	if v.Answer != advisor.Undecided || !strings.Contains(v.Because, "only could not be evaluated: division by zero") {
		t.Errorf("%s: %s", v.Answer, v.Because)
	}
	if v.Answer.Decides() {
		t.Error("undecided decides")
	}
}

const twoRules = `name: p
confidence: 0.9
rules:
  - name: forbid-full
    when: tasks > 5
    forbid: full
    because: "{tasks} tasks"
  - name: first
    when: gap_nats > 1
    prefer: full
    confidence: 0
    because: a gap of {gap_nats}
  - name: never
    when: gap_nats > 1e9
    prefer: full
    because: never
  - name: broken-behind
    when: 1 / base_changes_per_year > 0
    prefer: lora
    confidence: 0
    because: "{base_changes_per_year} changes"
`

func TestFirstMatchAnswersAndForbidsAreHeard(t *testing.T) {
	p := load(t, twoRules)
	v := decide(t, p, advisor.Features{"gap_nats": 2, "tasks": 1, "base_changes_per_year": 0})
	if v.Answer != advisor.UseFull || v.Rule != "first" || v.Because != "a gap of 2 nats" || len(v.Trace) != 4 {
		t.Errorf("%+v", v)
	}
	if e := v.Trace[3].Error; e != "division by zero" {
		t.Errorf("the rule behind the answer is traced with %q", e)
	}
	v = decide(t, p, advisor.Features{"gap_nats": 2, "tasks": 6, "base_changes_per_year": 1})
	if v.Answer != advisor.UseLoRA || v.Rule != "forbid-full" || v.Because != "6 tasks" || v.Violations[0].Option != "full" {
		t.Errorf("%+v", v)
	}
	if v = decide(t, p, advisor.Features{"gap_nats": 0, "tasks": 1, "base_changes_per_year": 0}); v.Answer != advisor.Undecided {
		t.Errorf("%+v", v)
	}
	if v.Policy != p.ID() || !strings.HasPrefix(v.Policy, "p@") || len(v.Policy) != len("p@")+12 {
		t.Errorf("policy %q", v.Policy)
	}
}

func TestPhysicalFactsHoldUnderAnyPolicy(t *testing.T) {
	p := load(t, rule("true"))
	if v := decide(t, p, advisor.Features{"lora_fits": 0, "full_fits": 1}); v.Answer != advisor.UseFull || v.Rule != "constraint:lora-fits" {
		t.Errorf("%+v", v)
	}
	if v := decide(t, p, advisor.Features{"lora_fits": 0, "full_fits": 0}); v.Answer != advisor.Undecided || len(v.Violations) != 2 {
		t.Errorf("%+v", v)
	}
}

func TestContradictionIsUndecided(t *testing.T) {
	p := load(t, `name: p
constraints:
  - {name: a, forbid: full, when: tasks > 1, message: full copies are too many}
  - {name: b, forbid: lora, when: tasks > 1, message: adapters are not allowed}
rules:
  - {name: any, when: "true", prefer: cheaper, because: price}
`)
	v := decide(t, p, advisor.Features{"tasks": 2})
	if v.Answer != advisor.Undecided || v.Because != "the constraints leave no method: full copies are too many; adapters are not allowed" {
		t.Errorf("%+v", v)
	}
}

func TestConfidenceIsAsked(t *testing.T) {
	p := load(t, "name: p\nconfidence: 0.8\nweights: {training: 2}\nrules:\n  - {name: any, when: \"true\", prefer: cheaper, because: price}\n")
	f := advisor.Features{"full_training_usd": 10, "lora_training_usd": 5, "training_diff_sd_usd": 0, "full_accuracy_usd": 0, "lora_accuracy_usd": 4,
		"accuracy_diff_sd_usd": 0, "full_total_usd": 10, "lora_total_usd": 9}
	v := decide(t, p, f)
	if v.Answer != advisor.UseLoRA || v.Confidence != 1 || v.Needed != 0.8 {
		t.Errorf("with training counted twice: %+v", v)
	}
	f["accuracy_diff_sd_usd"] = 20
	if v = decide(t, p, f); v.Answer != advisor.BudgetTooSmall || v.Confidence < 0.6 || v.Confidence > 0.63 {
		t.Errorf("6 dollars and a spread of 20: %+v", v)
	}
	if want := "LoRA is likelier right (62%), but this policy asks for 80%"; v.Because != want {
		t.Errorf("%q, want %q", v.Because, want)
	}
}

func TestPreferences(t *testing.T) {
	f := advisor.Features{"gap_nats": 0.1, "p_full_better": 0.95, "full_train_hours": 2, "lora_train_hours": 3, "full_peak_bytes": 9, "lora_peak_bytes": 4,
		"full_training_usd": 1, "lora_training_usd": 2}
	for prefer, want := range map[string]advisor.Answer{
		"full": advisor.UseFull, "lora": advisor.BudgetTooSmall, "cheaper": advisor.UseFull, "better": advisor.UseFull, "faster": advisor.UseFull,
		"smaller": advisor.UseLoRA, "raise-rank": advisor.BudgetTooSmall, "either": advisor.Either, "more-calibration": advisor.BudgetTooSmall,
	} {
		p := load(t, "name: p\nrules:\n  - {name: any, when: \"true\", prefer: "+prefer+", because: so}\n")
		if v := decide(t, p, f); v.Answer != want {
			t.Errorf("prefer %s answers %s (%s), want %s", prefer, v.Answer, v.Because, want)
		}
	}
	p := load(t, "name: p\nrules:\n  - {name: any, when: \"true\", prefer: faster, because: so}\n")
	if v := decide(t, p, advisor.Features{}); v.Answer != advisor.Undecided || v.Because != "rule any prefers the faster, which the facts do not tell" {
		t.Errorf("%+v", v)
	}
}

func TestExtends(t *testing.T) {
	builtin := files("base/policy.yaml", `name: base
confidence: 0.9
weights: {training: 3}
constraints:
  - {name: deadline, forbid: full, when: full_train_hours > 5, message: too slow}
rules:
  - {name: tie, when: p_tie > 0.5, prefer: either, because: tie}
  - {name: price, when: "true", prefer: cheaper, because: price}
`)
	p, err := policy.LoadFS(files("house.yaml", `name: house
extends: base
weights: {accuracy: 2}
constraints:
  - {name: deadline, forbid: full, when: full_train_hours > 9, message: far too slow}
rules:
  - {name: ours, when: tasks > 9, prefer: lora, confidence: 0, because: many}
  - {name: tie, when: p_tie > 0.9, prefer: either, because: a real tie}
`), "house.yaml", builtin)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range p.Rules() {
		names = append(names, r.Name+" "+r.When)
	}
	want := []string{"constraint:deadline full_train_hours > 9", "ours tasks > 9", "tie p_tie > 0.9", "price true"}
	if fmt.Sprint(names) != fmt.Sprint(want) {
		t.Errorf("rules %q, want %q", names, want)
	}
	if w := p.Weights(); w["training"] != 3 || w["accuracy"] != 2 || w["serving"] != 1 {
		t.Errorf("weights %v", w)
	}
	if fmt.Sprint(p.Chain) != "[house.yaml base/policy.yaml]" {
		t.Errorf("chain %v", p.Chain)
	}
	if r := p.Rules()[3]; r.Confidence != 0.9 {
		t.Errorf("confidence %g is not inherited", r.Confidence)
	}
}

func TestLoadByNameAndPath(t *testing.T) {
	builtin := files("balanced/policy.yaml", rule("true"))
	if _, err := policy.Load("balanced", builtin); err != nil {
		t.Error(err)
	}
	for ref, want := range map[string]string{
		"balance":       `policy: no policy is called "balance": did you mean balanced?`,
		"zzz":           `policy: no policy is called "zzz"`,
		"./none.yaml":   "./none.yaml: no such policy file",
		"../../balance": "../../balance: no such policy file",
	} {
		_, err := policy.Load(ref, builtin)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", ref, err, want)
		}
		var h interface{ Hint() string }
		if !errors.As(err, &h) || !strings.Contains(h.Hint(), "balanced") {
			t.Errorf("%s: no hint", ref)
		}
	}
}
