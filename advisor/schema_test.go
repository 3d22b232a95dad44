package advisor_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	invopop "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"ftadvise/advisor"
	"ftadvise/advisor/advisortest"
	"ftadvise/calibrate/evidence"
)

const schemaPath = "../docs/schema/recommendation.json"

// schema derives the JSON Schema from the types, with their comments.
func schema(t *testing.T) []byte {
	t.Helper()
	r := &invopop.Reflector{Anonymous: true}
	if err := r.AddGoComments("ftadvise/advisor", ".", invopop.WithFullComment()); err != nil {
		t.Fatal(err)
	}
	s := r.Reflect(&advisor.Recommendation{})
	s.Title = "ftadvise recommendation, version 1"
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(out, '\n')
}

func TestSchemaIsUpToDate(t *testing.T) {
	got := schema(t)
	if *update {
		if err := os.MkdirAll(filepath.Dir(schemaPath), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(schemaPath, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from the types: go test ./advisor -run Schema -update", schemaPath)
	}
}

// What is written keeps the published schema, and what breaks it is refused.
func TestRecommendationsKeepTheSchema(t *testing.T) {
	compiled, err := jsonschema.NewCompiler().Compile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	clear := advisortest.New()
	clear.Gap = 0.2
	oom := advisortest.New()
	oom.FullStatus = evidence.DoesNotFit
	unsure := advisortest.New()
	unsure.NoForecast = true
	for name, c := range map[string]advisortest.Case{"clear": clear, "out of memory": oom, "no forecast": unsure} {
		data, err := json.Marshal(recommend(t, c.Run(), nil))
		if err != nil {
			t.Fatal(err)
		}
		if err := valid(compiled, data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := valid(compiled, bytes.Replace(data, []byte(`"headline"`), []byte(`"title"`), 1)); err == nil {
			t.Errorf("%s: a recommendation without a headline is accepted", name)
		}
	}
}

func valid(s *jsonschema.Schema, data []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return s.Validate(v)
}
