package policies_test

import (
	"testing"

	"ftadvise/advisor/policy"
	"ftadvise/policies"
)

func TestPolicies(t *testing.T) {
	for _, name := range append(policies.Names(), "limits") {
		t.Run(name, func(t *testing.T) {
			report, err := policy.Test(name, policies.FS())
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range report.Cases {
				for _, f := range c.Failures {
					t.Errorf("%s: %s", c.Name, f)
				}
			}
			if len(report.Unhit) > 0 {
				t.Errorf("no case hits %v", report.Unhit)
			}
			if text, err := policies.Readme(name); err != nil || text == "" {
				t.Errorf("README: %v", err)
			}
		})
	}
}

func TestNamesAreAllFolders(t *testing.T) {
	found := policy.Names(policies.FS())
	if len(found) != len(policies.Names())+1 {
		t.Errorf("folders %v, names %v and limits", found, policies.Names())
	}
}
