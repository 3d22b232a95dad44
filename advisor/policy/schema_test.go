package policy

import (
	"flag"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	invopop "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"ftadvise/advisor"
	"ftadvise/advisor/strictyaml"
	"ftadvise/docs/schema/schematest"
	"ftadvise/policies"
)

var update = flag.Bool("update", false, "write docs/schema/policy.json anew")

const schemaPath = "../../docs/schema/policy.json"

// What the types do not say of a policy file, the loader's own lists and patterns do.

func (text) JSONSchema() *invopop.Schema { return &invopop.Schema{Type: "string"} }

func (number) JSONSchema() *invopop.Schema { return &invopop.Schema{Type: "number"} }

func (document) JSONSchemaExtend(s *invopop.Schema) {
	s.Required = []string{"name"}
	s.AnyOf = []*invopop.Schema{{Required: []string{"extends"}}, {Required: []string{"rules"}}}
	named(s)
	shared(s, "confidence", "acceptable_regret")
	weighted(s)
	describe(s, map[string]string{
		"name": "small letters, digits and hyphens", "description": "what the policy is for, in a sentence",
		"extends":    "a built-in policy, or ./a-file.yaml beside this one",
		"confidence": "the probability that a verdict needs", "acceptable_regret": "or: choosing it wrongly costs less than this share of its bill",
		"weights": "of the bill's lines; 1 where not named", "constraints": "where one holds, a method is out",
		"rules": "asked in order; the first that matches and prefers something answers",
	})
}

func (constraintDocument) JSONSchemaExtend(s *invopop.Schema) {
	s.Required = []string{"name", "forbid", "when", "message"}
	named(s)
	forbidding(s)
	said(s, "message")
	conditional(s)
}

func (ruleDocument) JSONSchemaExtend(s *invopop.Schema) {
	s.Required = []string{"name", "when", "because"}
	s.OneOf = []*invopop.Schema{{Required: []string{"prefer"}}, {Required: []string{"forbid"}}}
	named(s)
	forbidding(s)
	said(s, "because")
	conditional(s)
	shared(s, "confidence")
	weighted(s)
	prefer := property(s, "prefer")
	for _, p := range preferences() {
		prefer.Enum = append(prefer.Enum, p)
	}
}

// property replaces a property's reference by a schema of its own and returns it.
func property(s *invopop.Schema, name string) *invopop.Schema {
	p := &invopop.Schema{Type: "string"}
	if old, ok := s.Properties.Get(name); ok && old.Type != "" {
		p = old
	}
	s.Properties.Set(name, p)
	return p
}

func named(s *invopop.Schema) { property(s, "name").Pattern = namePattern.String() }

func forbidding(s *invopop.Schema) {
	property(s, "forbid").Enum = []any{string(forbidFull), string(forbidLoRA), string(forbidBoth)}
}

// said are texts with something in them.
func said(s *invopop.Schema, names ...string) {
	for _, name := range names {
		property(s, name).Pattern = `\S`
	}
}

// conditional lets a condition be true without quotes.
func conditional(s *invopop.Schema) {
	*property(s, "when") = invopop.Schema{AnyOf: []*invopop.Schema{{Type: "string", Pattern: `\S`}, {Type: "boolean"}}}
}

func shared(s *invopop.Schema, names ...string) {
	for _, name := range names {
		p := property(s, name)
		p.Type, p.Minimum, p.Maximum = "number", "0", "1"
	}
}

func weighted(s *invopop.Schema) {
	p := property(s, "weights")
	*p = invopop.Schema{Type: "object", PropertyNames: &invopop.Schema{},
		AdditionalProperties: &invopop.Schema{Type: "number", Minimum: "0", Maximum: "1000000"}}
	for _, name := range advisor.CostNames() {
		p.PropertyNames.Enum = append(p.PropertyNames.Enum, name)
	}
}

func describe(s *invopop.Schema, texts map[string]string) {
	for name, text := range texts {
		if p, ok := s.Properties.Get(name); ok {
			p.Description = text
		}
	}
}

func TestPolicySchemaIsCurrent(t *testing.T) {
	r := &invopop.Reflector{Anonymous: true, FieldNameTag: "yaml"}
	schematest.Hold(t, r, "ftadvise policy", schemaPath, &document{}, *update)
}

// TestPoliciesKeepTheSchema: what is shipped is valid.
func TestPoliciesKeepTheSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	names := Names(policies.FS())
	for _, name := range names {
		data, err := fs.ReadFile(policies.FS(), filepath.ToSlash(filepath.Join(name, "policy.yaml")))
		if err != nil {
			t.Fatal(err)
		}
		if err := valid(schema, string(data)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(names) < 8 {
		t.Errorf("only %v are shipped", names)
	}
}

// TestBrokenPoliciesFailInBoth: what the schema refuses, the loader does, and the other
// way round but for conditions and names of facts, which no schema can read.
func TestBrokenPoliciesFailInBoth(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	const good = `name: p
weights: {accuracy: 2}
constraints:
  - {name: few, forbid: full, when: tasks > 9, message: too many}
rules:
  - {name: gap, when: gap_nats > 1, prefer: full, confidence: 0, because: gap}
  - {name: rest, when: "true", forbid: both, because: rest}
`
	for _, text := range []string{good, strings.Replace(good, `"true"`, "true", 1), "name: p\nextends: limits\nrules:\n  - {name: rest, when: true, prefer: full, because: b}\n"} {
		if err := both(schema, text); err != nil {
			t.Error(err)
		}
	}
	for _, change := range [][2]string{
		{"rules:", "rule:"}, {"name: p", "name: My Policy"}, {"name: p\n", ""}, {"accuracy: 2", "acuracy: 2"}, {"accuracy: 2", "accuracy: -2"},
		{"accuracy: 2", "accuracy: 2000000"}, {"accuracy: 2", "accuracy: much"}, {"name: few, ", ""}, {"forbid: full, ", ""}, {"forbid: full", "forbid: qlora"},
		{", message: too many", ""}, {"too many", `" "`}, {"when: tasks > 9, ", ""}, {"prefer: full, ", ""}, {"prefer: full", "prefer: chaeper"},
		{"prefer: full", "prefer: full, forbid: lora"}, {", because: gap", ""}, {"when: gap_nats > 1, ", ""}, {"confidence: 0", "confidence: 80"},
		{"confidence: 0", "confidence: high"}, {"name: gap", "name: a gap"}, {"confidence: 0", "colour: 0"}, {"name: p", "name: p\nconfidence: -1"},
		{"name: p", "name: p\nacceptable_regret: 2"},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if err := valid(schema, bad); err == nil {
			t.Errorf("%s -> %s: the schema accepts it", change[0], change[1])
		}
		if _, err := LoadFS(fstest.MapFS{"p.yaml": {Data: []byte(bad)}}, "p.yaml", fstest.MapFS{}); err == nil {
			t.Errorf("%s -> %s: the loader accepts it", change[0], change[1])
		}
	}
}

func both(schema *jsonschema.Schema, text string) error {
	if err := valid(schema, text); err != nil {
		return err
	}
	_, err := LoadFS(fstest.MapFS{"p.yaml": {Data: []byte(text)}}, "p.yaml", policies.FS())
	return err
}

func valid(schema *jsonschema.Schema, text string) error {
	var value any
	if err := strictyaml.Decode("p.yaml", []byte(text), &value); err != nil {
		return err
	}
	return schema.Validate(value)
}
