package policy_test

import (
	"strings"
	"testing"
	"time"

	"ftadvise/advisor"
	"ftadvise/advisor/policy"
)

// bounded fails where one load and decision take longer than any policy may.
func bounded(t *testing.T, start time.Time) {
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %s", d)
	}
}

// Whatever a file says, it is a policy that decides, or an error that names the file.
func FuzzPolicy(f *testing.F) {
	f.Add([]byte(twoRules))
	f.Add([]byte(rule("gap_nats * 2 <= 1")))
	f.Add([]byte("name: p\nextends: base\nweights: {accuracy: 1e300}\n"))
	f.Add([]byte("name: p\nrules: &a [*a]\n"))
	f.Add([]byte("\xff\xfe"))
	f.Add([]byte("name: !!binary aGk=\n"))
	builtin := files("base/policy.yaml", rule("true"))
	facts := advisor.Features{"gap_nats": 0.1, "tasks": 2, "p_tie": 0}
	f.Fuzz(func(t *testing.T, data []byte) {
		defer bounded(t, time.Now())
		p, err := policy.LoadFS(files("p.yaml", string(data)), "p.yaml", builtin)
		if err != nil {
			if !strings.Contains(err.Error(), ".yaml") {
				t.Errorf("error without its file: %v", err)
			}
			return
		}
		decide(t, p, facts)
	})
}

// Whatever a condition says, it is bounded: refused at load or evaluated at once.
func FuzzCondition(f *testing.F) {
	for _, seed := range []string{"gap_nats > 1", "1/0 > 0", "known(tasks)", "!!true", "tasks ? 1 : 2", "-9223372036854775808 < 0", "1e400 > 0", "[1].all(x, x>0)", "'a' + 'b' == 'ab'",
		"gap_nats.foo", "{1: 2}[1] > 0", "true || 1/0 > 0", "min(1)", "a__known", "gap_nats__known"} {
		f.Add(seed)
	}
	facts := advisor.Features{"gap_nats": 0.1, "tasks": 2, "tie_nats": 0}
	f.Fuzz(func(t *testing.T, when string) {
		defer bounded(t, time.Now())
		text := "name: p\nrules:\n  - name: only\n    prefer: lora\n    because: so\n    when: |2\n      " + strings.ReplaceAll(when, "\n", "\n      ") + "\n"
		p, err := policy.LoadFS(files("p.yaml", text), "p.yaml", files())
		if err != nil {
			return
		}
		decide(t, p, facts)
	})
}
