package cli

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ftadvise/advisor"
	"ftadvise/advisor/policy"
	"ftadvise/policies"
)

func (a *app) policyVerb() (*cobra.Command, error) {
	parent, err := verb("policy", "list, show and test policies, and the facts they may use", a.listPolicies)
	if err != nil {
		return nil, err
	}
	list, err := verb("list", "list the built-in policies", a.listPolicies)
	if err != nil {
		return nil, err
	}
	show, err := verb("show POLICY", "print a policy's rules; POLICY is a name or a file", a.showPolicy)
	if err != nil {
		return nil, err
	}
	test, err := verb("test POLICY...", "run the tests.yaml beside policies; fails where a case or a rule without a case does", a.testPolicies)
	if err != nil {
		return nil, err
	}
	facts, err := verb("facts [RUN]", "list the facts that policies decide from, with a run's values", a.policyFacts, stakePaths()...)
	if err != nil {
		return nil, err
	}
	show.Args, test.Args, facts.Args = exactly("POLICY"), atLeast(1, "POLICY"), atMost(1)
	parent.AddCommand(list, show, test, facts)
	return parent, nil
}

func (a *app) listPolicies(cmd *cobra.Command, _ []string) error {
	c, err := a.settings(cmd)
	if err != nil {
		return err
	}
	var rows []policyRow
	t := table{head: []string{"policy", "what it is for"}}
	for _, name := range policy.Names(policies.FS()) {
		p, err := policy.Load(name, policies.FS())
		if err != nil {
			return err
		}
		rows = append(rows, policyRow{p.Name, p.Description, p.ID()})
		t.add(p.Name, p.Description)
	}
	if c.Output == "json" {
		return a.writeJSON(policiesOutput{1, rows})
	}
	return a.writeTable(t, c.Output)
}

func (a *app) showPolicy(cmd *cobra.Command, args []string) error {
	c, err := a.settings(cmd)
	if err != nil {
		return err
	}
	p, err := policy.Load(args[0], policies.FS())
	if err != nil {
		return err
	}
	if c.Output == "json" {
		return a.writeJSON(policyOutputOf(p))
	}
	if c.Output == "table" && slices.Contains(policy.Names(policies.FS()), args[0]) {
		return a.printBuiltIn(args[0])
	}
	return a.printPolicy(p, c.Output)
}

// printBuiltIn prints a built-in policy as it is written, so that it can be copied and
// changed.
func (a *app) printBuiltIn(name string) error {
	text, err := fs.ReadFile(policies.FS(), path.Join(name, "policy.yaml"))
	if err != nil {
		return err
	}
	_, err = a.out.Write(text)
	return err
}

// printPolicy prints a policy's compiled rules.
func (a *app) printPolicy(p *policy.Policy, output string) error {
	t := table{head: []string{"rule", "when", "does", "because"}}
	for _, r := range p.Rules() {
		t.add(r.Name, r.When, r.Does, r.Because)
	}
	return a.writeTable(t, output)
}

func (a *app) testPolicies(cmd *cobra.Command, args []string) error {
	c, err := a.settings(cmd)
	if err != nil {
		return err
	}
	reports := make([]policy.TestReport, 0, len(args))
	for _, ref := range args {
		report, err := policy.Test(ref, policies.FS())
		if err != nil {
			return err
		}
		reports = append(reports, report)
	}
	if err := a.printTests(reports, c.Output); err != nil {
		return err
	}
	for _, report := range reports {
		if !report.OK() {
			return fail(exitGate, "mend the policy, or its tests.yaml", "%s does not pass its tests", report.Policy)
		}
	}
	return nil
}

func (a *app) printTests(reports []policy.TestReport, output string) error {
	if output == "json" {
		return a.writeJSON(policyTestsOutputOf(reports))
	}
	t := table{head: []string{"policy", "case", "answer", "rule", "outcome"}}
	for _, report := range reports {
		for _, one := range report.Cases {
			outcome := "ok"
			if len(one.Failures) > 0 {
				outcome = strings.Join(one.Failures, "; ")
			}
			t.add(report.Policy, one.Name, string(one.Answer), one.Rule, outcome)
		}
		for _, rule := range report.Unhit {
			t.add(report.Policy, "", "", rule, "no case hits this rule")
		}
	}
	return a.writeTable(t, output)
}

func (a *app) policyFacts(cmd *cobra.Command, args []string) error {
	c, err := a.settings(cmd)
	if err != nil {
		return err
	}
	values := advisor.Features{}
	if len(args) == 1 {
		from, err := a.openRun(c.Config, args[0])
		if err != nil {
			return err
		}
		if values, err = advisor.FeaturesOf(from.run, c.Stakes); err != nil {
			return err
		}
	}
	if c.Output == "json" {
		return a.writeJSON(factsOutputOf(values))
	}
	return a.writeTable(factTable(values, len(args) == 1), c.Output)
}

// factTable lists the vocabulary; a fact that a run does not have is absent there.
func factTable(values advisor.Features, withValues bool) table {
	t := table{head: []string{"fact", "unit", "meaning"}}
	if withValues {
		t.head = []string{"fact", "value", "unit", "meaning"}
	}
	for _, f := range advisor.Vocabulary() {
		if !withValues {
			t.add(f.Name, f.Unit, f.Text)
			continue
		}
		value := "absent"
		if v, ok := values[f.Name]; ok {
			value = fmt.Sprintf("%.5g", v)
		}
		t.add(f.Name, value, f.Unit, f.Text)
	}
	return t
}
