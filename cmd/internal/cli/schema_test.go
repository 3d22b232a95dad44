package cli

import (
	"path/filepath"
	"testing"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
	"ftadvise/docs/schema/schematest"
)

// outputs are the verbs' JSON outputs by the name of their schema. recommend and report
// have schemas of their own packages.
func outputs() map[string]any {
	return map[string]any{
		"audit": auditOutput{}, "config-show": settingsOutput{}, "diff": diffOutput{}, "doctor": doctorOutput{},
		"estimate": estimateOutput{}, "files": filesOutput{}, "forecast-run": forecastOutput{}, "forecast-files": forecast.CurvesResult{},
		"plan": planOutput{}, "policy-facts": factsOutput{}, "policy-list": policiesOutput{}, "policy-show": policyOutput{},
		"policy-test": policyTestsOutput{}, "run": evidence.Run{}, "runs-list": runsOutput{},
		"version": versionOutput{},
	}
}

// TestSchemas holds docs/schema/cli to the types: each output's schema is derived from
// its type, with the comments of its fields.
func TestSchemas(t *testing.T) {
	commented := map[string]string{}
	for _, pkg := range []string{"cmd/internal/cli", "calibrate/evidence", "calibrate/estimate"} {
		commented["ftadvise/"+pkg] = filepath.Join(repository, pkg)
	}
	for name, output := range outputs() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(repository, "docs", "schema", "cli", name+".json")
			schematest.Hold(t, schematest.Commented(t, commented), "ftadvise "+name+" --output json, version 1", path, output, *update)
		})
	}
}
