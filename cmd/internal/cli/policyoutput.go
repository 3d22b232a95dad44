package cli

import (
	"ftadvise/advisor"
	"ftadvise/advisor/policy"
)

// policyRow is one policy of policy list.
type policyRow struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	ID          string `json:"id"` // name@digest
}

// policiesOutput is policy list's JSON.
type policiesOutput struct {
	Schema   int         `json:"schema"`
	Policies []policyRow `json:"policies"`
}

// ruleRow is one constraint or rule.
type ruleRow struct {
	Name       string  `json:"name"`
	When       string  `json:"when"`
	Does       string  `json:"does"`
	Because    string  `json:"because"`
	Confidence float64 `json:"confidence"`
}

// policyOutput is policy show's JSON.
type policyOutput struct {
	Schema      int                `json:"schema"`
	Name        string             `json:"name"`
	ID          string             `json:"id"`
	Description string             `json:"description"`
	Chain       []string           `json:"chain"` // files, its own first
	Rules       []ruleRow          `json:"rules"`
	Weights     map[string]float64 `json:"weights"`
}

func policyOutputOf(p *policy.Policy) policyOutput {
	out := policyOutput{Schema: 1, Name: p.Name, ID: p.ID(), Description: p.Description, Chain: p.Chain, Rules: []ruleRow{}, Weights: p.Weights()}
	for _, r := range p.Rules() {
		out.Rules = append(out.Rules, ruleRow(r))
	}
	return out
}

// caseRow is one case of a policy's tests.
type caseRow struct {
	Name     string         `json:"name"`
	Answer   advisor.Answer `json:"answer"`
	Rule     string         `json:"rule"`
	Failures []string       `json:"failures"`
}

// testRow is one policy's tests.
type testRow struct {
	Policy string    `json:"policy"`
	File   string    `json:"file"`
	Passed bool      `json:"passed"`
	Cases  []caseRow `json:"cases"`
	Unhit  []string  `json:"unhit"` // rules that no case hits
}

// policyTestsOutput is policy test's JSON.
type policyTestsOutput struct {
	Schema   int       `json:"schema"`
	Policies []testRow `json:"policies"`
}

func policyTestsOutputOf(reports []policy.TestReport) policyTestsOutput {
	out := policyTestsOutput{Schema: 1, Policies: []testRow{}}
	for _, r := range reports {
		row := testRow{Policy: r.Policy, File: r.File, Passed: r.OK(), Cases: []caseRow{}, Unhit: append([]string{}, r.Unhit...)}
		for _, c := range r.Cases {
			row.Cases = append(row.Cases, caseRow{c.Name, c.Answer, c.Rule, append([]string{}, c.Failures...)})
		}
		out.Policies = append(out.Policies, row)
	}
	return out
}

// factRow is one word of the policies' vocabulary, with a run's value where it has one.
type factRow struct {
	Name  string   `json:"name"`
	Unit  string   `json:"unit"`
	Text  string   `json:"text"`
	Value *float64 `json:"value,omitempty"`
}

// factsOutput is policy facts' JSON.
type factsOutput struct {
	Schema int       `json:"schema"`
	Facts  []factRow `json:"facts"`
}

func factsOutputOf(values advisor.Features) factsOutput {
	out := factsOutput{Schema: 1}
	for _, f := range advisor.Vocabulary() {
		row := factRow{Name: f.Name, Unit: f.Unit, Text: f.Text}
		if v, ok := values[f.Name]; ok {
			row.Value = &v
		}
		out.Facts = append(out.Facts, row)
	}
	return out
}
