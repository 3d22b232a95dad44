package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	invopop "github.com/invopop/jsonschema"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// outputs are the verbs' JSON outputs by the name of their schema. recommend and report
// have schemas of their own packages.
func outputs() map[string]any {
	return map[string]any{
		"audit": auditOutput{}, "config-show": settingsOutput{}, "diff": diffOutput{}, "doctor": doctorOutput{},
		"estimate": estimateOutput{}, "files": filesOutput{}, "forecast-run": forecastOutput{}, "forecast-files": forecast.CurvesResult{},
		"plan": planOutput{}, "policy-facts": factsOutput{}, "policy-list": policiesOutput{}, "policy-show": policyOutput{},
		"policy-test": policyTestsOutput{}, "run": evidence.Run{}, "runs-list": runsOutput{},
	}
}

// TestSchemas holds docs/schema/cli to the types: each output's schema is derived from
// its type, with the comments of its fields.
func TestSchemas(t *testing.T) {
	for name, output := range outputs() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(repository, "docs", "schema", "cli", name+".json")
			want := schemaOf(t, name, output)
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, want, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s differs from the type; run go test ./cmd/internal/cli -update", path)
			}
		})
	}
}

func schemaOf(t *testing.T, name string, output any) []byte {
	t.Helper()
	r := &invopop.Reflector{Anonymous: true}
	for _, pkg := range []string{"cmd/internal/cli", "calibrate/evidence", "calibrate/estimate"} {
		if err := r.AddGoComments("ftadvise/"+pkg, filepath.Join(repository, pkg)); err != nil {
			t.Fatal(err)
		}
	}
	s := r.Reflect(output)
	s.Title = "ftadvise " + name + " --output json, version 1"
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(out, '\n')
}
