package policy_test

import (
	"strings"
	"testing"

	"ftadvise/advisor/policy"
)

// Wrong policies with the whole error that a person sees.
func TestSyntaxErrors(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"misspelt fact", rule("gap_nat > 1"),
			"p.yaml:4:11: no fact is called gap_nat: did you mean gap_nats?\n |     when: gap_nat > 1\n |           ^"},
		{"misspelt fact later in a quoted text", rule(`"tasks > 1 && gap_nat > 1"`),
			"p.yaml:4:25: no fact is called gap_nat: did you mean gap_nats?\n |     when: \"tasks > 1 && gap_nat > 1\"\n |                         ^"},
		{"misspelt fact in a folded text", rule(">-\n      tasks > 1\n      && gap_nat > 1"),
			"p.yaml:6:10: no fact is called gap_nat: did you mean gap_nats?\n |       && gap_nat > 1\n |          ^"},
		{"misspelt fact in a block text", rule("|\n      tasks > 1 &&\n      gap_nat > 1"),
			"p.yaml:6:7: no fact is called gap_nat: did you mean gap_nats?\n |       gap_nat > 1\n |       ^"},
		{"a fact that nobody can guess", rule("colour > 1"),
			"p.yaml:4:11: no fact is called colour\n |     when: colour > 1\n |           ^"},
		{"unknown fact within known", rule("known(gap)"),
			"p.yaml:4:17: no fact is called gap\n |     when: known(gap)\n |                 ^"},
		{"known of an expression", rule("known(tasks + 1)"),
			"p.yaml:4:16: known takes the name of one fact\n |     when: known(tasks + 1)\n |                ^"},
		{"syntax", rule("gap_nats >"),
			"p.yaml:4:21: the condition ends too early\n |     when: gap_nats >\n |                     ^"},
		{"a bracket too many", rule("(gap_nats > 1))"), "p.yaml:4:25: did not expect ) here\n |     when: (gap_nats > 1))\n |                         ^"},
		{"two signs", rule("gap_nats > > 1"), "p.yaml:4:22: did not expect > here"},
		{"a number for a condition", rule("gap_nats + 1"),
			"p.yaml:4:11: a condition must be true or false, and this is a number\n |     when: gap_nats + 1\n |           ^"},
		{"wrong kinds", rule("quality_is_hard > 1"),
			"p.yaml:4:27: > cannot be applied to (truth value, number)\n |     when: quality_is_hard > 1\n |                           ^"},
		{"a text", rule(`"gap_nats > 'a'"`),
			"p.yaml:4:21: > cannot be applied to (number, text)"},
		{"a list", rule("gap_nats in [1, 2]"),
			"p.yaml:4:23: lists, maps, fields and texts are not part of this language"},
		{"a macro over a list", rule("'[1, 2].all(x, x > 0)'"),
			"p.yaml:4:12: lists, maps, fields and texts are not part of this language"},
		{"a function that is not there", rule("sqrt(tasks) > 1"),
			"p.yaml:4:15: no fact is called sqrt"},
		{"modulo", rule("tasks % 2 == 0"),
			"p.yaml:4:17: % is not part of this language\n |     when: tasks % 2 == 0\n |                 ^"},
		{"a regular expression", rule(`"'aaaa'.matches('(a+)+$')"`),
			"p.yaml:4:26:"},
		{"an empty condition", rule(`" "`), "p.yaml:4:11: an empty condition"},
		{"a bomb of operators", rule(strings.Repeat("tasks + ", 300) + "1 > 0"), "p.yaml:4:"},
		{"a bomb of length", rule("tasks > " + strings.Repeat("1", 5000)), "p.yaml:4:11: a condition of 5008 bytes, more than 4096"},
		{"a bomb of depth", rule(strings.Repeat("(", 100) + "tasks" + strings.Repeat(")", 100) + " > 1"), "p.yaml:4:11: "},

		{"unknown key", "name: p\nrule: []\n", "p.yaml:2:1: unknown key \"rule\": did you mean rules?\n | rule: []\n | ^"},
		{"doubled key", "name: p\nname: q\n", "p.yaml:2:1: key \"name\" is given twice, first at line 1\n | name: q\n | ^"},
		{"no name", "rules: []\n", "p.yaml:1:1: name \"\"\n | rules: []\n | ^"},
		{"a bad name", "name: My Policy\n", "p.yaml:1:1: name \"My Policy\"\n | name: My Policy\n | ^"},
		{"no rules", "name: p\n", "p.yaml: no rules"},
		{"a confidence above one", "name: p\nconfidence: 80\n", "p.yaml:2:13: confidence of 80\n | confidence: 80\n |             ^"},
		{"a confidence that is no number", "name: p\nconfidence: .nan\n", "p.yaml:2:13: confidence of NaN"},
		{"a confidence in words", "name: p\nconfidence: high\n", "p.yaml:2:13: text (high) where a number is wanted"},
		{"an unknown weight", "name: p\nweights: {acuracy: 2}\n", "p.yaml:2:20: no cost is called acuracy: did you mean accuracy?\n | weights: {acuracy: 2}\n |                    ^"},
		{"a negative weight", "name: p\nweights: {accuracy: -2}\n", "p.yaml:2:21: a weight of -2"},
		{"neither prefer nor forbid", "name: p\nrules:\n  - {name: a, when: \"true\", because: b}\n", "p.yaml:3:12: rule a needs either prefer or forbid"},
		{"prefer and forbid", "name: p\nrules:\n  - {name: a, when: \"true\", prefer: full, forbid: lora, because: b}\n", "p.yaml:3:12: rule a needs either prefer or forbid"},
		{"an unknown preference", "name: p\nrules:\n  - {name: a, when: \"true\", prefer: chaeper, because: b}\n", "p.yaml:3:37: prefer: chaeper: did you mean cheaper?"},
		{"an unknown method", "name: p\nrules:\n  - {name: a, when: \"true\", forbid: qlora, because: b}\n", "p.yaml:3:37: forbid: qlora"},
		{"no because", "name: p\nrules:\n  - {name: a, when: \"true\", prefer: full}\n", "p.yaml:3:12: rule a has no because"},
		{"no when", "name: p\nrules:\n  - {name: a, prefer: full, because: b}\n", "p.yaml:3:12: a has no when"},
		{"an unknown fact in a because", "name: p\nrules:\n  - {name: a, when: \"true\", prefer: full, because: \"it is {gap_nat}\"}\n", "p.yaml:3:52: no fact is called gap_nat: did you mean gap_nats?"},
		{"a name twice", rule("true") + "  - {name: only, when: \"true\", prefer: full, because: b}\n", "p.yaml:8:12: \"only\" is the name of an earlier one"},
		{"a rule that is never asked", rule("true") + "  - {name: late, when: \"true\", prefer: full, because: b}\n", "p.yaml:8:12: rule late is never asked: rule only before it always answers"},
		{"a constraint without message", "name: p\nconstraints:\n  - {name: a, forbid: full, when: tasks > 1}\n", "p.yaml:3:12: constraint a has no message"},
		{"a constraint that forbids nothing", "name: p\nconstraints:\n  - {name: a, when: tasks > 1, message: m}\n", "p.yaml:3:12: a does not say what it forbids"},
		{"an unknown base", "name: p\nextends: balanced\n", "p.yaml:2:10: extends: no policy is called balanced\n | extends: balanced\n |          ^"},
		{"a base outside", "name: p\nextends: ../../etc/passwd\n", "p.yaml:2:10: extends: ../../etc/passwd leaves the policy's folder"},
		{"a base that is missing", "name: p\nextends: ./q.yaml\n", "q.yaml: no such file"},
		{"a base that is itself", "name: p\nextends: ./p.yaml\n", "p.yaml:2:10: more than 8 policies extend one another"},
		{"an alias bomb", "name: p\nrules: &a [{name: x}]\nweights: &b\n  training: 1\nconstraints: *a\n", "p.yaml:5:14: an alias of a list or mapping"},
		{"deep nesting", "name: p\nrules: " + strings.Repeat("[", 700) + strings.Repeat("]", 700) + "\n", "p.yaml:2: brackets nested deeper than 640"},
		{"nesting", "name: p\nrules: " + strings.Repeat("[", 80) + strings.Repeat("]", 80) + "\n", "p.yaml:2:"},
		{"too large", "name: p\n#" + strings.Repeat("x", 1<<20), "p.yaml: 1048577 bytes, more than the 1048576 that are read"},
		{"control characters", "name: p\nrules: \x1b[31m\n", "p.yaml: control characters are not allowed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := policy.LoadFS(files("p.yaml", c.text), "p.yaml", files())
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Fatalf("error\n%v\nwant\n%s", err, c.want)
			}
			if strings.Contains(err.Error(), "\x1b") {
				t.Error("an escape reaches the terminal")
			}
			if h, ok := err.(interface{ Hint() string }); !ok || h.Hint() == "" {
				t.Errorf("no hint with %v", err)
			}
		})
	}
}
