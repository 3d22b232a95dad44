package template

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// golden is what jinja2 made: text, its hash, the template's own message, or an error.
type golden struct{ Text, SHA256, Raised, Error *string }

type goldens struct {
	Cases     []golden
	Templates map[string]map[string]golden
}

func read(t testing.TB, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func readGoldens(t testing.TB) goldens {
	var g goldens
	read(t, filepath.Join("testdata", "goldens.json"), &g)
	return g
}

func value(t testing.TB, data string) any {
	t.Helper()
	v, err := FromJSON([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var someDay = time.Date(2024, 7, 26, 9, 5, 0, 0, time.UTC)

func render(source string, vars map[string]any) (string, error) {
	tmpl, err := Parse(source)
	if err != nil {
		return "", err
	}
	r, err := tmpl.Render(vars, someDay)
	return r.Text, err
}

// compare holds one outcome equal to jinja2's; of errors, that there is one.
func compare(t *testing.T, got string, err error, want golden) {
	t.Helper()
	var raised *Raised
	switch {
	case want.Text != nil && (err != nil || got != *want.Text):
		t.Errorf("got %q, %v\nwant %q", got, err, *want.Text)
	case want.SHA256 != nil && (err != nil || hash(got) != *want.SHA256):
		t.Errorf("got %q, %v; it differs", got, err)
	case want.Raised != nil && (!errors.As(err, &raised) || raised.Message != *want.Raised):
		t.Errorf("got %q, %v; want raised %q", got, err, *want.Raised)
	case want.Error != nil && err == nil:
		t.Errorf("got %q, want a %s", got, *want.Error)
	}
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:24]
}

// TestCases holds expressions and statements equal to jinja2's.
func TestCases(t *testing.T) {
	var cases []string
	read(t, filepath.Join("testdata", "cases.json"), &cases)
	want := readGoldens(t).Cases
	if len(cases) != len(want) {
		t.Fatalf("%d cases, %d outcomes", len(cases), len(want))
	}
	for i, source := range cases {
		t.Run("", func(t *testing.T) {
			t.Logf("%s", source)
			got, err := render(source, map[string]any{
				"m": value(t, `[{"role":"user","content":"hi"},{"role":"assistant","content":" ho "}]`),
				"d": value(t, `{"b":1,"a":[1,2],"c":{"x":null}}`), "s": "héllo", "n": int64(3),
			})
			compare(t, got, err, want[i])
		})
	}
}

// TestMistralTemplates renders real chat templates, which lie beside the repository.
func TestMistralTemplates(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "..", "shared", "data", "chat-templates-mistral")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("../shared/data not found: chat-templates-mistral")
	}
	var conversations []map[string]json.RawMessage
	read(t, filepath.Join("testdata", "conversations.json"), &conversations)
	templates := readGoldens(t).Templates
	if len(templates) < 28 {
		t.Fatalf("%d templates", len(templates))
	}
	for name, outcomes := range templates {
		source, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range conversations {
			vars := map[string]any{"bos_token": "<s>", "eos_token": "</s>"}
			var title string
			for key, raw := range c {
				if key == "name" {
					read := json.Unmarshal(raw, &title)
					if read != nil {
						t.Fatal(read)
					}
					continue
				}
				vars[key] = value(t, string(raw))
			}
			t.Run(name+"/"+title, func(t *testing.T) {
				got, err := render(string(source), vars)
				compare(t, got, err, outcomes[title])
			})
		}
	}
}
