package strictyaml_test

import (
	"strings"
	"testing"

	"ftadvise/advisor/strictyaml"
)

type sample struct {
	Name  string         `yaml:"name"`
	Count float64        `yaml:"count"`
	Inner []inner        `yaml:"inner"`
	Map   map[string]int `yaml:"map"`
	Deep  any            `yaml:"deep"`
}

type inner struct {
	Colour string `yaml:"colour"`
}

func TestDecode(t *testing.T) {
	var s sample
	err := strictyaml.Decode("f.yaml", []byte("\ufeffname: x\ncount: 3\ninner:\n  - colour: red\nmap: {a: 1}\n"), &s)
	if err != nil || s.Name != "x" || s.Count != 3 || s.Inner[0].Colour != "red" || s.Map["a"] != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestRefusals(t *testing.T) {
	many := "deep: [" + strings.Repeat("1,", 100_001) + "1]\n"
	aliases := "name: &n x\ndeep: [" + strings.Repeat("*n,", 101) + "*n]\n"
	cases := map[string]string{
		"nam: x\n":                     `f.yaml:1:1: unknown key "nam": did you mean name?`,
		"inner: [{color: red}]\n":      `f.yaml:1:10: unknown key "color": did you mean colour?`,
		"count: x\n":                   "f.yaml:1:8: text (x) where a number is wanted",
		"count: [1]\n":                 "f.yaml:1:1: a list where a number is wanted",
		"map: {a: 1, a: 2}\n":          `f.yaml:1:2: key "a" is given twice, first at line 1`,
		"name: a\n\tcount: 3\n":        "f.yaml:2:",
		many:                           "f.yaml:1:",
		aliases:                        "f.yaml:2:",
		"deep: &x {y: 1}\nname: *x\n":  "f.yaml:2:7: an alias of a list or mapping",
		"deep: &a [*a]\n":              "f.yaml:1:",
		"%YAML 9.9\n---\nname: x\n":    "f.yaml: found incompatible YAML document",
		strings.Repeat("- ", 70) + "1": "f.yaml:1:",
	}
	for text, want := range cases {
		err := strictyaml.Decode("f.yaml", []byte(text), &sample{})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", text, err, want)
			continue
		}
		if h, ok := err.(interface{ Hint() string }); !ok || h.Hint() == "" {
			t.Errorf("%.40q: no hint", text)
		}
	}
}

func TestCaret(t *testing.T) {
	e := strictyaml.At("f.yaml", []byte("a: 1\n\tb: \x1b2\u202e\n"), 2, 5, "bad", "mend it")
	if want := "f.yaml:2:5: bad\n | \tb: ?2?\n | \t   ^"; e.Error() != want {
		t.Errorf("%q, want %q", e.Error(), want)
	}
	far := strictyaml.At("f.yaml", []byte("a"), 9, 9, "bad", "")
	if far.Error() != "f.yaml:9:9: bad" {
		t.Errorf("%q", far.Error())
	}
}

func TestNearest(t *testing.T) {
	names := []string{"gap_nats", "gap_usd", "months", "tasks"}
	for word, want := range map[string]string{"gap_nat": "gap_nats", "mnoths": "months", "task": "tasks", "colour": "", "": "", "gapnats": "gap_nats"} {
		if got := strictyaml.Nearest(word, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", word, got, want)
		}
	}
}

// Whatever a file says, it decodes, or the error names the file and says what to do.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"name: x", "count: -1", "deep: &a [*a]", "name: {x: 1}", "count: 1e400", "? [1]\n: 2", "<<: {count: 3}", "inner: [{colour: !!binary aGk=}]", "\xff\xfe"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := strictyaml.Decode("f.yaml", data, &sample{})
		if err == nil {
			return
		}
		if h, ok := err.(interface{ Hint() string }); !ok || h.Hint() == "" || !strings.HasPrefix(err.Error(), "f.yaml") {
			t.Errorf("error without file or hint: %v", err)
		}
	})
}
