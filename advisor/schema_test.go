package advisor_test

import (
	"bytes"
	"encoding/json"
	"testing"

	invopop "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"ftadvise/advisor"
	"ftadvise/advisor/advisortest"
	"ftadvise/calibrate/evidence"
	"ftadvise/docs/schema/schematest"
)

const schemaPath = "../docs/schema/recommendation.json"

func TestSchemaIsUpToDate(t *testing.T) {
	r := schematest.Commented(t, map[string]string{"ftadvise/advisor": "."}, invopop.WithFullComment())
	schematest.Hold(t, r, "ftadvise recommendation, version 1", schemaPath, &advisor.Recommendation{}, *update)
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
