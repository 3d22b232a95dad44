package reports_test

import (
	"bytes"
	"encoding/json"
	"path"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"
	check "github.com/santhosh-tekuri/jsonschema/v6"

	"ftadvise/docs/schema/schematest"
	"ftadvise/reports"
)

// docs is where the published schemas lie.
const docs = "../docs/schema"

// published are the JSON outputs with their schemas.
func published() map[string]any {
	return map[string]any{"report.json": &reports.Document{}, "comparison.json": &reports.Comparison{}}
}

func TestPublishedSchemasAreCurrent(t *testing.T) {
	// Packages share names, such as Summary.
	r := &jsonschema.Reflector{Anonymous: true, AllowAdditionalProperties: true, Namer: func(t reflect.Type) string {
		if t.Name() == "" {
			return ""
		}
		return path.Base(t.PkgPath()) + "." + t.Name()
	}}
	for name, v := range published() {
		schematest.Hold(t, r, "", filepath.Join(docs, name), v, *update)
	}
}

func TestJSONKeepsToItsSchema(t *testing.T) {
	report := compiled(t, "report.json")
	for name, s := range scenarios() {
		var b bytes.Buffer
		if err := reports.New(s.run, s.rec, s.opts).JSON(&b); err != nil {
			t.Fatal(err)
		}
		validate(t, report, name, b.Bytes())
	}
	var b bytes.Buffer
	all := scenarios()
	err := reports.Compare([]reports.Entry{{Run: all["lora-wins"].run, Recommendation: all["lora-wins"].rec}, {Run: all["imported"].run}}, options()).JSON(&b)
	if err != nil {
		t.Fatal(err)
	}
	validate(t, compiled(t, "comparison.json"), "comparison", b.Bytes())
	if report.Validate(map[string]any{"schema": "one"}) == nil {
		t.Error("the schema accepts anything")
	}
}

func compiled(t *testing.T, name string) *check.Schema {
	t.Helper()
	s, err := check.NewCompiler().Compile(filepath.Join(docs, name))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *check.Schema, name string, doc []byte) {
	t.Helper()
	v, err := check.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// A report's JSON holds all that the same report is made of.
func TestReportFromItsJSONIsTheSame(t *testing.T) {
	s := scenarios()["lora-wins"]
	var first, second bytes.Buffer
	if err := reports.New(s.run, s.rec, s.opts).JSON(&first); err != nil {
		t.Fatal(err)
	}
	var d reports.Document
	if err := json.Unmarshal(first.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if err := reports.New(d.Run, d.Recommendation, reports.Options{Now: d.CreatedAt.In(time.UTC), Version: d.Version}).JSON(&second); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.String(), second.String()); diff != "" {
		t.Error(diff)
	}
}
